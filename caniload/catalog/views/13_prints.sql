-- prints of the generation and of the finished segments that are newer.
CREATE VIEW prints AS
SELECT * FROM store.prints
UNION ALL
SELECT * FROM newer_prints;
