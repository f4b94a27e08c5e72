-- diagnoses of the generation and of the finished segments that are newer.
CREATE VIEW diagnoses AS
SELECT * FROM store.diagnoses
UNION ALL
SELECT * FROM newer_diagnoses;
