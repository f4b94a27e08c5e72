-- The reference of each comparable cell, and why it is one (DESIGN, "What a pass means", 4):
-- the publisher's numbers, the native loader, two independent implementations that agree, or,
-- for weights declared to be the same, the same loader on the first of them; for what was
-- exported, the original.
CREATE OR REPLACE VIEW derived_reference_choices AS
WITH published AS (
    SELECT c.cell_id, 'published' AS reference, NULL AS reference_id
    FROM candidates c
    WHERE EXISTS (
        SELECT 1 FROM store.published_numbers n
        WHERE n.source = c.root_source AND n.recipe_hash = c.recipe_hash
    )
),
natives AS (
    SELECT group_key, asked_key, id
    FROM candidates
    WHERE is_native AND precedence = 1
),
heads AS (
    SELECT group_key, asked_key, id, precedence, tolerance
    FROM candidates
    WHERE (group_key, asked_key) NOT IN (SELECT (group_key, asked_key) FROM natives)
    QUALIFY row_number() OVER (
        PARTITION BY group_key, asked_key, implementation ORDER BY precedence
    ) = 1
),
outputs AS (
    SELECT
        observation_id,
        list({'output': output, 'shape': shape, 'samples': samples} ORDER BY output) AS given
    FROM prints
    WHERE observation_id IN (SELECT id FROM heads)
    GROUP BY observation_id
),
pairs AS (
    SELECT
        a.group_key, a.asked_key, a.id, a.precedence,
        coalesce(greatest(a.tolerance, b.tolerance), 3e-4) AS tolerance,
        outputs_apart(q.given, p.given) AS relative_rms
    FROM heads a
    JOIN heads b
        ON b.group_key = a.group_key AND b.asked_key = a.asked_key
        AND a.precedence < b.precedence
    JOIN outputs p ON p.observation_id = a.id
    JOIN outputs q ON q.observation_id = b.id
),
agreeing AS (
    SELECT group_key, asked_key, arg_min(id, precedence) AS id
    FROM pairs
    WHERE relative_rms <= tolerance
    GROUP BY group_key, asked_key
),
firsts AS (
    SELECT group_key, asked_key, loader, framework, arg_min(id, precedence) AS id
    FROM candidates
    WHERE declared AND is_primary
    GROUP BY group_key, asked_key, loader, framework
),
-- What an export was made from: what it gives is held against what the original gave.
originals AS (
    SELECT group_key, asked_key, implementation, arg_min(id, precedence) AS id
    FROM candidates
    WHERE parent_observation IS NULL
    GROUP BY group_key, asked_key, implementation
)
SELECT
    c.cell_id,
    coalesce(
        p.reference,
        CASE WHEN n.id IS NOT NULL THEN 'native' END,
        CASE WHEN g.id IS NOT NULL THEN 'agreement' END,
        CASE WHEN f.id IS NOT NULL THEN 'same weights' END,
        CASE WHEN o.id IS NOT NULL THEN 'original' END
    ) AS reference,
    CASE WHEN p.reference IS NULL THEN coalesce(n.id, g.id, f.id, o.id) END AS reference_id
FROM candidates c
LEFT JOIN published p ON p.cell_id = c.cell_id
LEFT JOIN natives n ON n.group_key = c.group_key AND n.asked_key = c.asked_key
LEFT JOIN agreeing g ON g.group_key = c.group_key AND g.asked_key = c.asked_key
LEFT JOIN firsts f
    ON f.group_key = c.group_key AND f.asked_key = c.asked_key
    AND f.loader = c.loader AND f.framework = c.framework
LEFT JOIN originals o
    ON c.parent_observation IS NOT NULL AND o.group_key = c.group_key
    AND o.asked_key = c.asked_key AND o.implementation = c.implementation;
