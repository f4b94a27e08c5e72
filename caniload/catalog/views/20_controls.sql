-- Whether all controls of an environment did in a run what they are known to do, whatever was
-- tried again: one known to fail says `failed` in its fact `expected`.
CREATE OR REPLACE VIEW controls AS
WITH each AS (
    SELECT
        run_id,
        environment,
        bool_and(outcome = coalesce(facts ->> '$.expected', 'passed'))
            FILTER (outcome <> 'harness_error') AS behaved
    FROM observations
    WHERE model = '__control__'
    GROUP BY run_id, environment, cell_id
)
SELECT run_id, environment, bool_and(coalesce(behaved, false)) AS passed
FROM each
GROUP BY run_id, environment;
