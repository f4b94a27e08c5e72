-- Every verdict about loading, best first by `place`; a claim stands where nothing was attempted.
CREATE VIEW ranked AS
WITH places(verdict, place) AS (
    VALUES ('works', 1), ('differs', 2), ('flaky', 3), ('fails', 4), ('blocked', 5),
        ('claimed', 6), ('unknown', 7)
),
everything AS (
    SELECT * FROM cell_verdicts WHERE kind = 'attempt'
    UNION ALL BY NAME
    SELECT
        c.model, c.source, c.handle, c.loader, c.framework, 'claimed' AS verdict,
        'attempt' AS kind, any_value(coalesce(c.says, '')) AS message,
        any_value(c.page) AS note
    FROM store.claims c
    WHERE NOT EXISTS (
        SELECT 1 FROM cell_verdicts v
        WHERE v.model = c.model AND v.source = c.source AND v.loader = c.loader
            AND v.framework = c.framework AND v.kind = 'attempt'
    )
    GROUP BY c.model, c.source, c.handle, c.loader, c.framework
)
SELECT e.*, p.place FROM everything e JOIN places p ON p.verdict = e.verdict;
