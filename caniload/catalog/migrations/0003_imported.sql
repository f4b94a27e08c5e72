-- Imported: what upstream catalogues state, each row of one snapshot; claims, never results.
CREATE TABLE imports (
    catalogue VARCHAR, upstream VARCHAR, version VARCHAR, read DATE, row_count BIGINT
);
CREATE TABLE imported_sources (
    catalogue VARCHAR, handle VARCHAR, name VARCHAR,
    architecture VARCHAR, -- upstream's own word
    parent VARCHAR, -- handle of the source that this one was made of
    tasks VARCHAR[], languages VARCHAR[], frameworks VARCHAR[], loaders VARCHAR[],
    formats VARCHAR[], parameters BIGINT, size_bytes BIGINT, sha256 VARCHAR,
    hash VARCHAR, -- algorithm:prefix, where only part is stated
    url VARCHAR, licence VARCHAR, published DATE, metrics JSON, facts JSON
);
CREATE TABLE imported_types (
    catalogue VARCHAR, version VARCHAR, model_type VARCHAR, framework VARCHAR, class VARCHAR,
    auto VARCHAR
);
CREATE TABLE imported_datasets (
    catalogue VARCHAR, name VARCHAR, config VARCHAR, frameworks VARCHAR[], library VARCHAR,
    call VARCHAR, size_bytes BIGINT, splits JSON, checksums JSON, licence VARCHAR, facts JSON
);

-- Derived when the generation was published: what hangs under which authored entry, by which rule.
CREATE TABLE joins (model VARCHAR, handle VARCHAR, catalogue VARCHAR, rule VARCHAR);
CREATE TABLE dataset_joins (
    dataset VARCHAR, catalogue VARCHAR, name VARCHAR, config VARCHAR, rule VARCHAR
);
