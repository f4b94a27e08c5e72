-- settlements of the generation and of the finished segments that are newer.
CREATE VIEW settlements AS
SELECT * FROM store.settlements
UNION ALL
SELECT * FROM newer_settlements;
