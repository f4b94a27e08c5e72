-- What `caniload search` reads; all of it derived of the tables above when a generation is published.

-- One row for each thing that can be found: an entry, or an imported source or dataset that hangs
-- under none. `doc` counts them, those with the most behind them first.
CREATE TABLE search_docs (
    doc INTEGER,
    kind VARCHAR, -- model, dataset, tool or source
    id VARCHAR, -- of an entry; a source's handle without revision; catalogue:name of a dataset
    name VARCHAR, about VARCHAR, status VARCHAR, catalogue VARCHAR, family VARCHAR,
    tasks VARCHAR[],
    called VARCHAR[], -- id, name and aliases; upstream's names
    items INTEGER, -- rows of search_items
    standing DOUBLE -- how much stands behind it, which decides between equals
);
-- What hangs under each: sources, ways to reach a dataset, a tool itself. Facets look at these.
CREATE TABLE search_items (
    doc INTEGER, handle VARCHAR, hub VARCHAR, catalogue VARCHAR, name VARCHAR, tasks VARCHAR[],
    frameworks VARCHAR[], -- as claimed
    licence VARCHAR, languages VARCHAR[], formats VARCHAR[], parameters BIGINT,
    size_bytes BIGINT, status VARCHAR,
    known VARCHAR[] -- the handle and its other spellings, none with a revision
);
-- Which words lead to what. `field` says how: the numbers are those of search_words.FIELDS. Of a word
-- that leads to very many the first alone are kept, which are those with the most behind them.
CREATE TABLE search_terms (term VARCHAR, field UTINYINT, docs INTEGER[]);
-- The words themselves: `letters` has a bit for each letter and digit that occurs in it.
CREATE TABLE search_words (term VARCHAR, size UTINYINT, letters BIGINT, docs BIGINT);
-- Handles without revision and upstream's names, in lower case.
CREATE TABLE search_handles (called VARCHAR, doc INTEGER, handle VARCHAR);
-- What each has of each facet, and the values that a facet can be asked for.
CREATE TABLE search_values (doc INTEGER, facet VARCHAR, value VARCHAR);
CREATE TABLE search_facets (facet VARCHAR, value VARCHAR, docs BIGINT);
