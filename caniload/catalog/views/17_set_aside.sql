-- Observations that stand in the record and count for nothing, by id: those of cells that a run
-- settled as `harness_error`, as when the environment's controls misbehaved, and what was made
-- from them.
CREATE OR REPLACE VIEW set_aside AS
WITH RECURSIVE broken AS (
    SELECT o.id
    FROM settlements s
    JOIN observations o ON o.run_id = s.run_id AND o.cell_id = s.cell_id
    WHERE s.outcome = 'harness_error'
    UNION
    SELECT o.id FROM broken b JOIN observations o ON o.parent_observation = b.id
)
SELECT id AS observation_id FROM broken;
