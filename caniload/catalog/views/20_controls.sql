-- Whether the controls of an environment passed in a run.
CREATE OR REPLACE VIEW controls AS
SELECT run_id, environment_key, bool_and(outcome = 'passed') AS passed
FROM observations
WHERE model = '__control__' AND outcome <> 'harness_error'
GROUP BY run_id, environment_key;
