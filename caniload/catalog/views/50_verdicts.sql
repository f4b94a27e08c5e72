-- DESIGN's verdict table, row by row, over the cells in scope.
CREATE OR REPLACE VIEW derived_verdicts AS
WITH judged AS (
    SELECT
        c.*,
        a.relative_rms,
        a.tolerance,
        a.reference,
        a.reference_id,
        CASE
            WHEN c.outcomes > 1 THEN 'flaky'
            WHEN c.says = 'passed' AND a.relative_rms > a.tolerance THEN 'differs'
            WHEN c.says = 'passed' THEN 'works'
            WHEN c.says = 'fails' THEN 'fails'
            WHEN c.says = 'undiagnosed' AND c.controlled_repeats >= 2 THEN 'fails'
            WHEN c.says = 'blocked' THEN 'blocked'
            ELSE 'unknown'
        END AS verdict
    FROM cells c
    LEFT JOIN agreements a ON a.cell_id = c.cell_id
)
SELECT
    j.cell_id,
    j.known_model AS model,
    j.group_key,
    j.root_source AS source,
    j.handle,
    j.revision,
    j.format,
    j.loader,
    j.framework,
    j.framework_version,
    j.environment,
    j.environment_key,
    j.python_minor,
    j.platform,
    j.device,
    j.recipe_hash,
    j.weights,
    j.kind,
    j.export_format,
    j.parent_observation,
    j.decisive,
    j.patches,
    j.verdict,
    CASE WHEN j.verdict = 'blocked' THEN j.fault END AS fault,
    CASE
        WHEN j.verdict = 'flaky'
            THEN 'outcomes disagree over ' || j.attempts || ' attempts'
        WHEN j.verdict = 'works' AND j.kind = 'export' THEN 'exported'
        WHEN j.verdict = 'works' AND j.reference = 'itself' THEN 'reference'
        WHEN j.verdict = 'works' AND j.reference IS NULL THEN 'unreferenced'
        WHEN j.verdict = 'works' AND j.tolerance IS NULL THEN 'no tolerance is set'
        WHEN j.says = 'architecture' THEN 'the architecture runs; no weights measured'
        WHEN j.says = 'degenerate' THEN 'the output is degenerate, which is no evidence'
        WHEN j.says = 'ours' THEN 'the attempt itself was at fault, not the model'
        WHEN j.says = 'undiagnosed' AND j.verdict = 'fails'
            THEN 'undiagnosed; the same ' || j.controlled_repeats || ' times while the controls passed'
        WHEN j.says = 'undiagnosed' AND j.controlled_repeats = 0
            THEN 'undiagnosed, and no control passed beside it'
        WHEN j.says = 'undiagnosed' THEN 'undiagnosed, and not repeated'
        WHEN j.says = 'blocked' AND json_array_length(j.patches) > 0
            AND j.outcome IN ('failed', 'crashed') THEN 'the environment is patched'
        WHEN j.outcome = 'loads_only' THEN 'a bare state dict: it loads, there is nothing to run'
    END AS note,
    j.id AS observation_id,
    j.run_id,
    j.finished_at AS measured_at,
    j.outcome,
    j.stage,
    j.message,
    j.exception_type,
    j.exception_message,
    j.relative_rms,
    CASE WHEN j.says = 'passed' THEN j.tolerance END AS tolerance,
    j.reference,
    j.reference_id AS reference_observation,
    r.loader AS reference_loader,
    r.framework AS reference_framework,
    j.attempts,
    j.wall_seconds,
    j.peak_memory_bytes,
    j.observer,
    j.whom,
    j.machine,
    j.caniload_version,
    j.recipe -> '$.options' AS options
FROM judged j
LEFT JOIN cells r ON r.id = j.reference_id;
