-- How far the outputs `ours` are from the reference's, each a list of {output, shape, samples}:
-- the worst of those that both name. Where no name is shared, as between file formats, each output
-- of either side is held against the nearest of the other that has its shape, the worst counting
-- (a Hausdorff distance); NULL where numbers or shapes of outputs do not match up.
CREATE OR REPLACE MACRO outputs_apart(ours, theirs) AS
    CASE
        WHEN len(list_intersect(
            list_transform(ours, lambda x: x.output), list_transform(theirs, lambda y: y.output)
        )) > 0
        THEN list_max(flatten(list_transform(ours, lambda x: list_transform(
            list_filter(theirs, lambda y: y.output = x.output),
            lambda y: relative_rms(x.samples, x.shape, y.samples, y.shape)
        ))))
        WHEN list_sort(list_transform(ours, lambda x: x.shape))
            IS DISTINCT FROM list_sort(list_transform(theirs, lambda y: y.shape)) THEN NULL
        ELSE greatest(
            list_max(list_transform(ours, lambda x: list_min(list_transform(
                theirs, lambda y: relative_rms(x.samples, x.shape, y.samples, y.shape))))),
            list_max(list_transform(theirs, lambda y: list_min(list_transform(
                ours, lambda x: relative_rms(x.samples, x.shape, y.samples, y.shape)))))
        )
    END;
