-- lineage of the generation and of the finished segments that are newer.
CREATE VIEW lineage AS
SELECT * FROM store.lineage
UNION ALL
SELECT * FROM newer_lineage;
