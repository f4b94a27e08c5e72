-- Passes whose fingerprints can be compared, with the tolerance that holds for them:
-- the entry's own, by format, precision or device, else DESIGN's; none for quantised ones.
CREATE OR REPLACE VIEW derived_candidates AS
WITH asked AS (
    -- What was asked of a model, apart from how a library was called to load it: passes under
    -- one of these are compared, as of a default call with one that says compile=False. The last
    -- part tells fingerprints of today's sampling (records.SAMPLING 2, part of the recipe's hash)
    -- from those taken at other positions, which are never compared with them.
    SELECT
        *,
        md5(concat_ws('|', recipe -> '$.inputs', recipe ->> '$.dtype', recipe ->> '$.weights',
            recipe ->> '$.seed', recipe ->> '$.options.ascent',
            left(sha256('[2,' || json_merge_patch(recipe, '{"name": null}')::VARCHAR || ']'), 16)
                = recipe_hash)) AS asked_key
    FROM cells
),
kept AS (
    SELECT
        c.*,
        s.tolerances,
        c.parent_observation IS NULL
            AND c.loader = s.native_loader AND c.framework = s.native_framework AS is_native,
        coalesce(nullif(split_part(split_part(c.handle, '#', 2), ':', 2), ''), '') AS variant,
        (SELECT list_aggregate(list(DISTINCT p.dtype), 'string_agg', ' ')
            FROM prints p WHERE p.observation_id = c.id) AS dtypes,
        row_number() OVER (
            PARTITION BY c.group_key, c.asked_key
            ORDER BY coalesce(c.loader = s.native_loader AND c.framework = s.native_framework
                AND c.parent_observation IS NULL, false) DESC,
                c.is_primary DESC, c.device = 'cpu' DESC, c.first_seen, c.cell_id
        ) AS precedence
    FROM asked c
    LEFT JOIN store.entry_settings s ON s.model = c.known_model
    WHERE c.says = 'passed' AND c.kind = 'attempt'
),
typed AS (
    SELECT
        *,
        CASE
            WHEN regexp_matches(concat_ws(' ', recipe ->> '$.dtype', variant, format),
                '(^|[ _.-])(u?int[48]|q[0-9]|quantized|quantised|bnb4?|qint8)') THEN 'quantised'
            WHEN regexp_matches(dtypes, '(^| )u?int8( |$)') THEN 'quantised'
            WHEN regexp_matches(concat_ws(' ', recipe ->> '$.dtype', variant, dtypes),
                'float16|bfloat16|fp16|bf16|half') THEN 'half'
            ELSE 'float32'
        END AS precision
    FROM kept
)
SELECT
    *,
    coalesce(
        CAST(tolerances ->> format AS DOUBLE),
        CAST(tolerances ->> precision AS DOUBLE),
        CAST(tolerances ->> split_part(device, ':', 1) AS DOUBLE),
        CASE precision WHEN 'float32' THEN 3e-4 WHEN 'half' THEN 2e-2 END
    ) AS tolerance
FROM typed;
