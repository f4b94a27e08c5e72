-- The answer for each model in each framework, and the cell that gives it.
CREATE VIEW answers AS
SELECT DISTINCT ON (model, framework) *
FROM ranked
WHERE model IS NOT NULL
ORDER BY model, framework, place, parent_observation IS NOT NULL,
    reference IS DISTINCT FROM 'itself', measured_at DESC NULLS LAST, cell_id;
