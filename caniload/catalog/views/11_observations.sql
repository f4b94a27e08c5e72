-- observations of the generation and of the finished segments that are newer.
CREATE VIEW observations AS
SELECT * FROM store.observations
UNION ALL
SELECT * FROM newer_observations;
