-- The relative RMS error of samples `a` against the reference `b`; infinite where the shapes
-- differ, since then they are not the same output.
CREATE OR REPLACE MACRO relative_rms(a, shape_a, b, shape_b) AS
    CASE
        WHEN shape_a IS DISTINCT FROM shape_b OR len(a) <> len(b) THEN 'inf'::DOUBLE
        WHEN len(b) = 0 THEN NULL
        WHEN list_inner_product(b, b) = 0
            THEN CASE WHEN list_inner_product(a, a) = 0 THEN 0.0 ELSE 'inf'::DOUBLE END
        ELSE list_distance(a, b) / sqrt(list_inner_product(b, b))
    END;
