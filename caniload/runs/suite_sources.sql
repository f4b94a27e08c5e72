-- What each wish of a suite ($wishes, JSON) means: its sources, with the reason where one is left
-- out. In no order, and each as often as it is meant. Where random weights are asked for, a source that has an alias in
-- one of the hubs whose libraries build by name (`builders`) goes by that alias.
WITH wishes AS (
    SELECT unnest(from_json($wishes, '[{
        "wish": "INTEGER", "all_sources": "BOOLEAN", "readable": ["VARCHAR"],
        "names": [{"position": "INTEGER", "called": "VARCHAR", "source": "VARCHAR"}],
        "task": "VARCHAR", "family": "VARCHAR", "hub": "VARCHAR", "format": "VARCHAR",
        "framework": "VARCHAR", "loader": "VARCHAR", "max_bytes": "BIGINT", "max_params": "BIGINT",
        "builders": ["VARCHAR"]
    }]'), max_depth := 2)
),
asked AS (SELECT wish, unnest(names, max_depth := 2) FROM wishes),
called AS (SELECT DISTINCT id, unnest(called) AS called FROM store.models),
plain AS (
    SELECT
        model, position, source, handle, resolved, formats, inside.aliases,
        [attempt.loader for attempt in inside.attempts] AS loaders,
        [attempt.framework for attempt in inside.attempts] AS frameworks,
        [fact.value for fact in inside.facts if fact.name = 'parameters'][1] AS parameters,
        [fact.value for fact in inside.facts if fact.name = 'size_bytes'][1] AS size_bytes
    FROM (
        SELECT *, json_transform(entry, '{
            "aliases": ["VARCHAR"],
            "attempts": [{"loader": "VARCHAR", "framework": "VARCHAR"}],
            "facts": [{"name": "VARCHAR", "value": "VARCHAR"}]
        }') AS inside
        FROM store.sources
    )
),
tried AS (
    SELECT id AS model, json_extract_string(entry, '$.tries[*].handle') AS handles,
        json_extract_string(entry, '$.tries[*].loader') AS loaders,
        json_extract_string(entry, '$.tries[*].framework') AS frameworks
    FROM store.models
),
known AS (
    SELECT
        model, position, source, handle, resolved, formats, aliases, loaders, frameworks,
        len(loaders) > 0 AS authored,
        TRY_CAST(parameters AS BIGINT) AS parameters, TRY_CAST(size_bytes AS BIGINT) AS size_bytes
    FROM plain
    UNION ALL
    SELECT
        model, 1000000, regexp_extract(handle, '^[^@#]*'), handle, false, [], [], list(loader), list(framework),
        true, NULL, NULL
    FROM (
        SELECT model, unnest(handles) AS handle, unnest(loaders) AS loader,
            unnest(frameworks) AS framework
        FROM tried
    )
    GROUP BY model, handle
),
aliased AS (
    SELECT model, handle, source AS called FROM plain
    UNION
    SELECT model, handle, called
    FROM (SELECT model, handle, regexp_extract(unnest(aliases), '^[^@#]*') AS called FROM plain)
    WHERE called NOT IN (SELECT source FROM plain)
),
meant AS (
    SELECT asked.wish, asked.position AS name, known.*
    FROM asked JOIN called USING (called) JOIN known ON known.model = called.id
    UNION ALL
    SELECT asked.wish, asked.position, known.*
    FROM asked
    JOIN aliased ON aliased.called = asked.source
    JOIN known ON known.model = aliased.model AND known.handle = aliased.handle
    UNION ALL
    SELECT wishes.wish, 0, known.* FROM wishes CROSS JOIN known WHERE wishes.all_sources
),
fitting AS (
    SELECT meant.*,
        list_filter(
            meant.aliases, lambda a: list_contains(wishes.builders, split_part(a, ':', 1))
        )[1] AS built_as,
        CASE
            WHEN wishes.format IS NOT NULL AND len(coalesce(meant.formats, [])) = 0
                THEN 'format unknown'
            WHEN wishes.max_params IS NOT NULL AND meant.parameters IS NULL
                THEN 'number of parameters unknown'
            WHEN meant.parameters > wishes.max_params THEN 'more parameters than max_params'
            WHEN wishes.max_bytes IS NOT NULL AND meant.size_bytes IS NULL THEN 'size unknown'
            WHEN meant.size_bytes > wishes.max_bytes THEN 'larger than max_bytes'
        END AS why
    FROM meant
    JOIN wishes USING (wish)
    JOIN store.models AS models ON models.id = meant.model
    WHERE (wishes.task IS NULL OR list_contains(models.tasks, wishes.task))
        AND (wishes.family IS NULL OR models.family = wishes.family)
        AND (
            wishes.hub IS NULL
            OR starts_with(meant.source, wishes.hub || ':')
            OR len(list_filter(meant.aliases, lambda a: starts_with(a, wishes.hub || ':'))) > 0
        )
        AND (
            wishes.format IS NULL
            OR len(coalesce(meant.formats, [])) = 0
            OR list_contains(meant.formats, wishes.format)
        )
        AND CASE
            WHEN meant.authored THEN
                (wishes.loader IS NULL OR list_contains(meant.loaders, wishes.loader))
                AND (wishes.framework IS NULL OR list_contains(meant.frameworks, wishes.framework))
            ELSE wishes.readable IS NULL
                OR len(coalesce(meant.formats, [])) = 0
                OR list_has_any(meant.formats, wishes.readable)
        END
)
SELECT
    wish, name, model, position, coalesce(built_as, handle), array_to_string(formats, ' '),
    resolved, authored, parameters, size_bytes, why
FROM fitting
