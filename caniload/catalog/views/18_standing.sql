-- The observations that count: every verdict, agreement, reference, inference and history rests
-- on these alone.
CREATE OR REPLACE VIEW standing AS
SELECT o.* FROM observations o ANTI JOIN set_aside a ON a.observation_id = o.id;
