-- What a verdict's recipe changes of the library's default call, as {"compile": false}.
ALTER TABLE cell_verdicts ADD COLUMN options JSON;
