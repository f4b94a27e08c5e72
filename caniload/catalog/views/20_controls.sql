-- Whether all controls of an environment did in a run what they are known to do, whatever was
-- tried again: one known to fail says `failed` in its fact `expected`. What a machine's policy
-- refuses says nothing; a control of which there is only our own fault did not behave.
CREATE OR REPLACE VIEW controls AS
WITH each AS (
    SELECT
        run_id,
        environment,
        bool_and(outcome = coalesce(facts ->> '$.expected', 'passed'))
            FILTER (outcome NOT IN ('harness_error', 'refused')) AS behaved,
        bool_or(outcome = 'harness_error') AS lost
    FROM observations
    WHERE model = '__control__'
    GROUP BY run_id, environment, cell_id
)
SELECT
    run_id,
    environment,
    coalesce(bool_and(coalesce(behaved, CASE WHEN lost THEN false END)), false) AS passed
FROM each
GROUP BY run_id, environment;
