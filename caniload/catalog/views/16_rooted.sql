-- Where the weights of each observation named in `unrooted` come from. A derived artefact, as an
-- export, has its parent's source; sources declared to hold the same weights share a group.
CREATE OR REPLACE VIEW rooted AS
WITH RECURSIVE chain AS (
    SELECT o.id AS observation_id, o.id AS root_id, o.parent_observation AS up, 0 AS depth
    FROM observations o JOIN unrooted u ON u.id = o.id
    UNION ALL
    SELECT c.observation_id, p.id, p.parent_observation, c.depth + 1
    FROM chain c JOIN observations p ON p.id = c.up
    WHERE c.depth < 8
),
roots AS (
    SELECT observation_id, arg_max(root_id, depth) AS root_id FROM chain GROUP BY observation_id
),
owners AS (SELECT source, min(model) AS model FROM store.sources GROUP BY source),
joined AS (
    SELECT
        r.observation_id,
        coalesce(o.model, root.model, w.model) AS model,
        root.source AS root_source,
        root.revision AS root_revision,
        [root.handle, split_part(root.handle, '#', 1), root.source] AS names,
        coalesce(o.facts ->> '$.same_weights', root.facts ->> '$.same_weights') AS same_weights,
        CASE root.loader WHEN 'sentence-transformers' THEN 'transformers' ELSE root.loader END
            AS implementation
    FROM roots r
    JOIN observations o ON o.id = r.observation_id
    JOIN observations root ON root.id = r.root_id
    LEFT JOIN owners w ON w.source = root.source
),
grouped AS (
    SELECT
        j.*,
        (SELECT min(s.group_key) FROM store.same_weights s WHERE list_contains(j.names, s.member))
            AS entry_group
    FROM joined j
)
SELECT
    observation_id,
    model,
    root_source,
    CASE
        WHEN same_weights IS NOT NULL THEN same_weights
        WHEN entry_group IS NOT NULL THEN entry_group
        -- The revision of a file is the hash of its content: its path is what stays the same.
        WHEN split_part(root_source, ':', 1) IN ('file', 'url') THEN root_source
        ELSE root_source || '@' || coalesce(root_revision, '') || '|' || coalesce(model, '')
    END AS group_key,
    coalesce(same_weights, entry_group) IS NOT NULL AS declared,
    coalesce(list_contains(names, coalesce(same_weights, entry_group)), true) AS is_primary,
    implementation
FROM grouped;
