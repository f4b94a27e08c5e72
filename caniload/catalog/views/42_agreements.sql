-- How far each comparable cell is from its reference: the worst of the outputs that both name.
CREATE OR REPLACE VIEW derived_agreements AS
WITH against AS (
    SELECT
        c.cell_id, c.id, c.tolerance, r.reference, r.reference_id, c.root_source, c.recipe_hash
    FROM candidates c
    JOIN reference_choices r ON r.cell_id = c.cell_id
),
outputs AS (
    SELECT
        observation_id,
        list({'output': output, 'shape': shape, 'samples': samples} ORDER BY output) AS given
    FROM prints
    WHERE observation_id IN (SELECT id FROM against UNION SELECT reference_id FROM against)
    GROUP BY observation_id
),
measured AS (
    SELECT a.cell_id, outputs_apart(own.given, ref.given) AS relative_rms
    FROM against a
    JOIN outputs own ON own.observation_id = a.id
    JOIN outputs ref ON ref.observation_id = a.reference_id
    UNION ALL
    SELECT
        a.cell_id, max(relative_rms(own.samples, own.shape, ref.samples, ref.shape)) AS relative_rms
    FROM against a
    JOIN prints own ON own.observation_id = a.id
    JOIN store.published_numbers ref
        ON a.reference = 'published' AND ref.source = a.root_source
        AND ref.recipe_hash = a.recipe_hash AND ref.output = own.output
    GROUP BY a.cell_id
)
SELECT
    a.cell_id,
    a.tolerance,
    CASE
        WHEN a.reference_id = a.id THEN 'itself'
        WHEN m.relative_rms IS NOT NULL THEN a.reference
    END AS reference,
    CASE WHEN m.relative_rms IS NOT NULL THEN a.reference_id END AS reference_id,
    CASE WHEN a.reference_id IS DISTINCT FROM a.id THEN m.relative_rms END AS relative_rms
FROM against a
LEFT JOIN measured m ON m.cell_id = a.cell_id;
