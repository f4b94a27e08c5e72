-- The first schema of a generation. Times are UTC. Never edited once released.

CREATE TABLE meta (
    schema_version INTEGER, generation BIGINT, published_at TIMESTAMP, caniload_version VARCHAR
);

-- Authored: what people wrote in data/*.yaml; `entry` is the whole entry.
CREATE TABLE models (
    id VARCHAR, name VARCHAR, aliases VARCHAR[], family VARCHAR, tasks VARCHAR[],
    licence VARCHAR, about VARCHAR, uses VARCHAR[],
    called VARCHAR[], -- id, name and aliases in lower case
    entry JSON
);
CREATE TABLE sources (
    model VARCHAR, position INTEGER, source VARCHAR, handle VARCHAR, revision VARCHAR,
    resolved BOOLEAN, formats VARCHAR[], licence VARCHAR, entry JSON
);
CREATE TABLE claims (
    model VARCHAR, source VARCHAR, handle VARCHAR, loader VARCHAR, framework VARCHAR,
    version VARCHAR, page VARCHAR, read VARCHAR, says VARCHAR
);
CREATE TABLE entry_settings (
    model VARCHAR, native_loader VARCHAR, native_framework VARCHAR, tolerances JSON
);
CREATE TABLE same_weights (model VARCHAR, group_key VARCHAR, member VARCHAR);
CREATE TABLE published_numbers (
    source VARCHAR, recipe_hash VARCHAR, output VARCHAR, shape BIGINT[], samples DOUBLE[],
    page VARCHAR
);
CREATE TABLE datasets (
    id VARCHAR, name VARCHAR, aliases VARCHAR[], tasks VARCHAR[], modality VARCHAR,
    licence VARCHAR, about VARCHAR, entry JSON
);
CREATE TABLE tools (
    id VARCHAR, name VARCHAR, aliases VARCHAR[], purpose VARCHAR, frameworks VARCHAR[],
    languages VARCHAR[], vendor VARCHAR, status VARCHAR, status_since VARCHAR, about VARCHAR,
    entry JSON
);
CREATE TABLE environments (name VARCHAR, entry JSON);
CREATE TABLE failure_rules (rules JSON);

-- Evidence: a segment's columns, but for the fingerprint, which `prints` holds, and the record.
-- `origin` is local or ingested, `whom` is me, ci or other.
CREATE TABLE observations (
    id VARCHAR,
    run_id VARCHAR,
    cell_id VARCHAR,
    attempt INTEGER,
    model VARCHAR,
    source VARCHAR,
    handle VARCHAR,
    revision VARCHAR,
    format VARCHAR,
    loader VARCHAR,
    framework VARCHAR,
    framework_version VARCHAR,
    environment VARCHAR,
    environment_key VARCHAR,
    python_minor VARCHAR,
    platform VARCHAR,
    device VARCHAR,
    recipe_hash VARCHAR,
    recipe JSON,
    weights VARCHAR,
    kind VARCHAR,
    export_format VARCHAR,
    parent_observation VARCHAR,
    outcome VARCHAR,
    stage VARCHAR,
    evidence_level VARCHAR,
    worker VARCHAR,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    wall_seconds DOUBLE,
    exception_type VARCHAR,
    exception_message VARCHAR,
    exceptions JSON,
    message VARCHAR,
    signal INTEGER,
    exit_code INTEGER,
    checks JSON,
    numbers JSON,
    facts JSON,
    decisive JSON,
    lock JSON,
    patches JSON,
    sandbox JSON,
    peak_memory_bytes BIGINT,
    log VARCHAR,
    log_excerpt VARCHAR,
    observer VARCHAR,
    caniload_version VARCHAR,
    machine VARCHAR,
    segment VARCHAR,
    origin VARCHAR,
    whom VARCHAR
);
CREATE TABLE settlements (
    run_id VARCHAR,
    cell_id VARCHAR,
    observations JSON,
    outcome VARCHAR,
    settled_at TIMESTAMP
);
CREATE TABLE prints (
    observation_id VARCHAR, output VARCHAR, shape BIGINT[], dtype VARCHAR, mean DOUBLE,
    rms DOUBLE, samples DOUBLE[]
);

-- Derived when the generation was published.
CREATE TABLE diagnoses (
    observation_id VARCHAR, code VARCHAR, kind VARCHAR, fault VARCHAR, title VARCHAR,
    cause VARCHAR, fix VARCHAR, since VARCHAR, until VARCHAR, citations VARCHAR[]
);
CREATE TABLE lineage (
    observation_id VARCHAR, model VARCHAR, root_source VARCHAR, group_key VARCHAR,
    declared BOOLEAN, is_primary BOOLEAN, implementation VARCHAR
);
CREATE TABLE cell_verdicts (
    cell_id VARCHAR,
    model VARCHAR,
    group_key VARCHAR,
    source VARCHAR,
    handle VARCHAR,
    revision VARCHAR,
    format VARCHAR,
    loader VARCHAR,
    framework VARCHAR,
    framework_version VARCHAR,
    environment VARCHAR,
    environment_key VARCHAR,
    python_minor VARCHAR,
    platform VARCHAR,
    device VARCHAR,
    recipe_hash VARCHAR,
    weights VARCHAR,
    kind VARCHAR,
    export_format VARCHAR,
    parent_observation VARCHAR,
    decisive JSON,
    patches JSON,
    verdict VARCHAR,
    fault VARCHAR,
    note VARCHAR,
    observation_id VARCHAR,
    run_id VARCHAR,
    measured_at TIMESTAMP,
    outcome VARCHAR,
    stage VARCHAR,
    message VARCHAR,
    exception_type VARCHAR,
    exception_message VARCHAR,
    relative_rms DOUBLE,
    tolerance DOUBLE,
    reference VARCHAR,
    reference_observation VARCHAR,
    reference_loader VARCHAR,
    reference_framework VARCHAR,
    attempts BIGINT,
    wall_seconds DOUBLE,
    peak_memory_bytes BIGINT,
    observer VARCHAR,
    whom VARCHAR,
    machine VARCHAR,
    caniload_version VARCHAR
);
