-- Times are Unix milliseconds.

CREATE TABLE packages (
    id text PRIMARY KEY,
    app text NOT NULL,
    filename text NOT NULL,
    -- As the developer wrote it; null for a package on its own.
    version text,
    -- Equal for versions that are equal in order; of a package on its own its digest, so that the same bytes are a retry.
    version_key text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    arch text NOT NULL,
    -- What inspection read, JSON.
    facts text NOT NULL,
    -- stored: durable here. delivered: the catalog has it. refused: the catalog will never take it.
    state text NOT NULL,
    -- Its id at the catalog: another one when the catalog had these bytes before.
    known_as text,
    -- The catalog's last refusal, of the package or of a wish to release it.
    refused_status bigint,
    refused_code text,
    refused_detail text,
    token_id text NOT NULL,
    token_name text NOT NULL,
    request_id text NOT NULL,
    created_at bigint NOT NULL
);
-- A version has one set of bytes under one name. What was refused does not stand in the way.
CREATE UNIQUE INDEX packages_taken ON packages (app, version_key, filename) WHERE state <> 'refused';

-- What the catalog has to be told, leased in the row so that any number of instances may run.
CREATE TABLE outbox (
    -- The package and the channel that it is wished for in: what is wished again while it waits has one place.
    id text PRIMARY KEY,
    package_id text NOT NULL REFERENCES packages (id),
    channel text,
    -- A UUID, new each time it is wished: the catalog takes each wish once.
    wish text NOT NULL,
    attempts bigint NOT NULL,
    next_at bigint NOT NULL,
    -- A UUID of the lease: also the same process must not end one that it has begun later.
    lease_owner text,
    lease_until bigint,
    -- Since when and why it is not delivered, in words for the developer.
    failing_since bigint,
    last_error text,
    created_at bigint NOT NULL
);
CREATE INDEX outbox_due ON outbox (next_at);
CREATE INDEX outbox_package ON outbox (package_id);

-- Uploads in pieces (tus). The bytes are in the store's folder staging, under the session's id.
CREATE TABLE sessions (
    id text PRIMARY KEY,
    app text NOT NULL,
    -- `Upload-Metadata` as the client sent it.
    metadata text NOT NULL,
    size bigint NOT NULL,
    -- Bytes that are durable. Those before it never change again.
    received bigint NOT NULL,
    -- Set when all bytes are durable.
    sha256 text,
    -- The request that writes now; another one takes over by putting itself here.
    writer text,
    -- Set when the package is stored.
    package_id text,
    token_id text NOT NULL,
    token_name text NOT NULL,
    request_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX sessions_app ON sessions (app);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- The copy of the catalog's state that uploads are permitted by. `seq` is the number of a row's last change.

-- One row; the epoch is empty until there is a copy.
CREATE TABLE copy_position (
    id bigint PRIMARY KEY,
    epoch text NOT NULL,
    applied bigint NOT NULL,
    -- The number from which on nothing is missing: at first the copy grows page by page.
    whole_at bigint NOT NULL
);
INSERT INTO copy_position (id, epoch, applied, whole_at) VALUES (1, '', 0, 0);

CREATE TABLE copy_apps (
    slug text PRIMARY KEY,
    seq bigint NOT NULL
);

CREATE TABLE copy_tokens (
    -- SHA-256 of the token's text in hex.
    hash text PRIMARY KEY,
    -- What it permits, JSON.
    permits text NOT NULL,
    seq bigint NOT NULL
);

-- Versions that are released, and so closed.
CREATE TABLE copy_releases (
    app text NOT NULL,
    version_key text NOT NULL,
    version text NOT NULL,
    -- JSON: the digest of each file name. Empty when the version is still open.
    files text NOT NULL,
    -- 1 when nothing may be added any more.
    closed bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (app, version_key)
);
