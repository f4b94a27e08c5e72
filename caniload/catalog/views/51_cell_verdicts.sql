-- The verdict of every cell: as published, but for the groups that newer segments touch.
CREATE VIEW cell_verdicts AS
SELECT * FROM store.cell_verdicts WHERE group_key NOT IN (SELECT group_key FROM fresh_groups)
UNION ALL
SELECT * FROM fresh_verdicts;
