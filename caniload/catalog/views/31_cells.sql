-- Each cell with the observation that speaks for it: the latest decisive one of the last ten,
-- else the latest. Repeats are compared within one version of caniload, the measuring tool.
CREATE OR REPLACE VIEW derived_cells AS
WITH recent AS (
    SELECT *
    FROM results
    WHERE says <> 'nothing'
    QUALIFY row_number() OVER (PARTITION BY cell_id ORDER BY started_at DESC, id DESC) <= 10
),
placed AS (
    SELECT
        r.*,
        says NOT IN ('blocked', 'ours') AS decisive_says,
        coalesce(c.passed, false) AS controlled,
        row_number() OVER (
            PARTITION BY cell_id
            ORDER BY says NOT IN ('blocked', 'ours') DESC, started_at DESC, id DESC
        ) AS place
    FROM recent r
    LEFT JOIN controls c ON c.run_id = r.run_id AND c.environment = r.environment
),
counted AS (
    SELECT
        chosen.id,
        min(other.started_at) AS first_seen,
        count(*) AS attempts,
        count(DISTINCT other.outcome) FILTER (
            other.decisive_says AND other.caniload_version = chosen.caniload_version
        ) AS outcomes,
        count(*) FILTER (
            other.decisive_says AND other.controlled AND other.signature = chosen.signature
            AND other.caniload_version = chosen.caniload_version
        ) AS controlled_repeats
    FROM placed chosen
    JOIN placed other ON other.cell_id = chosen.cell_id
    WHERE chosen.place = 1
    GROUP BY chosen.id
)
SELECT p.*, n.first_seen, n.attempts, n.outcomes, n.controlled_repeats
FROM placed p
JOIN counted n ON n.id = p.id
WHERE p.place = 1;
