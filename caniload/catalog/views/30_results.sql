-- What each observation in scope says, taken by itself (`says`), and whose fault it is.
-- passed, architecture, fails, degenerate and undiagnosed are decisive; blocked and ours are not.
CREATE OR REPLACE VIEW derived_results AS
WITH seen AS (
    SELECT
        o.*,
        l.model AS known_model,
        l.root_source,
        l.group_key,
        l.declared,
        l.is_primary,
        l.implementation,
        d.code,
        d.fault AS diagnosed,
        coalesce(d.code, '') = 'degenerate_output'
            OR (o.stage = 'check'
                AND (starts_with(o.message, 'degenerate_output')
                    OR starts_with(coalesce(o.exception_message, ''), 'degenerate_output')))
            AS degenerate
    FROM standing o
    JOIN lineage l ON l.observation_id = o.id
    LEFT JOIN diagnoses d ON d.observation_id = o.id
    WHERE l.group_key IN (SELECT group_key FROM scope)
        AND l.model IS DISTINCT FROM '__control__'
        AND NOT EXISTS (
            SELECT 1 FROM limited_to t WHERE t.whom <> o.whom OR t.run_id <> o.run_id
        )
),
faulted AS (
    SELECT
        *,
        CASE
            WHEN outcome = 'passed' THEN NULL
            WHEN outcome IN ('timed_out', 'out_of_memory') THEN 'resources'
            WHEN outcome = 'refused' THEN 'policy'
            WHEN outcome = 'loads_only' THEN 'artefact'
            WHEN outcome = 'not_installed' THEN 'environment'
            WHEN outcome = 'unavailable' THEN
                CASE
                    WHEN diagnosed IN ('network', 'permission', 'artefact', 'environment', 'resources')
                        THEN diagnosed
                    WHEN facts ->> '$.reason' = 'gated' THEN 'permission'
                    WHEN facts ->> '$.reason' IN ('missing', 'artefact') THEN 'artefact'
                    ELSE 'network'
                END
            WHEN json_array_length(patches) > 0 THEN 'environment'
            WHEN diagnosed IN
                ('environment', 'artefact', 'network', 'permission', 'policy', 'resources')
                AND NOT degenerate
                THEN diagnosed
        END AS fault
    FROM seen
)
SELECT
    *,
    CASE
        WHEN outcome = 'harness_error' THEN 'nothing'
        WHEN outcome = 'passed' AND weights = 'pretrained'
            AND (kind = 'export' OR evidence_level = 'pretrained') THEN 'passed'
        WHEN outcome = 'passed' THEN 'architecture'
        WHEN fault IS NOT NULL THEN 'blocked'
        WHEN degenerate THEN 'degenerate'
        WHEN diagnosed = 'model' THEN 'fails'
        WHEN diagnosed = 'harness' THEN 'ours'
        ELSE 'undiagnosed'
    END AS says,
    -- Two failures are the same if they differ in addresses and numbers alone.
    concat_ws(
        '|', outcome, stage, signal, exception_type,
        regexp_replace(left(coalesce(exception_message, message), 300),
            '0x[0-9a-f]+|[0-9]+', '#', 'g')
    ) AS signature
FROM faulted;
