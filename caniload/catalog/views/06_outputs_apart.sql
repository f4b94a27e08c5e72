-- How far the outputs `ours` are from the reference's, each a list of {output, shape, samples}:
-- the worst of those that both name. Where no name is shared, as between file formats, as many
-- outputs are paired by shape and nearness; a pairing that uses one of them twice is infinite.
CREATE OR REPLACE MACRO nearest_output(x, theirs) AS
    list_min(list_transform(theirs, lambda y: {
        'distance': coalesce(relative_rms(x.samples, x.shape, y.samples, y.shape), 0.0),
        'output': y.output
    }));

CREATE OR REPLACE MACRO outputs_apart(ours, theirs) AS
    CASE
        WHEN len(list_intersect(
            list_transform(ours, lambda x: x.output), list_transform(theirs, lambda y: y.output)
        )) > 0
        THEN list_max(flatten(list_transform(ours, lambda x: list_transform(
            list_filter(theirs, lambda y: y.output = x.output),
            lambda y: relative_rms(x.samples, x.shape, y.samples, y.shape)
        ))))
        WHEN len(ours) <> len(theirs) THEN NULL
        WHEN len(list_distinct(list_transform(ours, lambda x: nearest_output(x, theirs).output)))
            < len(ours) THEN 'inf'::DOUBLE
        ELSE list_max(list_transform(ours, lambda x: nearest_output(x, theirs).distance))
    END;
