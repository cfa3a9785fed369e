-- Times are Unix milliseconds. `seq` is the number of a row's last change in the feed; 0 is not in it.

-- One row: the epoch of this database, and the counter that every write that concerns followers raises.
CREATE TABLE feed (
    id bigint PRIMARY KEY,
    epoch text NOT NULL,
    head bigint NOT NULL
);

-- How far each follower is.
CREATE TABLE followers (
    instance text PRIMARY KEY,
    service text NOT NULL,
    applied bigint NOT NULL,
    seen_at bigint NOT NULL
);

CREATE TABLE apps (
    slug text PRIMARY KEY,
    name text NOT NULL,
    -- Of the app's minisign key; null until the signing service has made it.
    key_id text,
    public_key text,
    created_at bigint NOT NULL,
    seq bigint NOT NULL
);
CREATE INDEX apps_seq ON apps (seq);

CREATE TABLE tokens (
    id text PRIMARY KEY,
    -- SHA-256 of the token's text in hex; the text is nowhere.
    hash text NOT NULL UNIQUE,
    name text NOT NULL,
    -- JSON array.
    scopes text NOT NULL,
    app text,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    seq bigint NOT NULL
);
CREATE INDEX tokens_seq ON tokens (seq);

CREATE TABLE releases (
    id text PRIMARY KEY,
    app text NOT NULL REFERENCES apps (slug),
    -- As the developer wrote it.
    version text NOT NULL,
    -- Equal for versions that are equal in order, so that the constraint says "taken".
    version_key text NOT NULL,
    -- draft signing verifying published failed yanked
    state text NOT NULL,
    -- Why it is not further, failed or was yanked, in words.
    reason text,
    notes text,
    created_at bigint NOT NULL,
    published_at bigint,
    yanked_at bigint,
    seq bigint NOT NULL,
    UNIQUE (app, version_key)
);
CREATE INDEX releases_seq ON releases (seq);

CREATE TABLE release_channels (
    app text NOT NULL,
    channel text NOT NULL,
    release_id text NOT NULL REFERENCES releases (id),
    added_at bigint NOT NULL,
    PRIMARY KEY (app, channel, release_id)
);
CREATE INDEX release_channels_release ON release_channels (release_id);

CREATE TABLE packages (
    id text PRIMARY KEY,
    app text NOT NULL REFERENCES apps (slug),
    -- Null for a package on its own.
    release_id text REFERENCES releases (id),
    filename text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    arch text NOT NULL,
    -- What inspection read, JSON.
    facts text NOT NULL,
    -- Text of the .minisig; null until it is signed.
    signature text,
    created_at bigint NOT NULL,
    UNIQUE (release_id, filename)
);

-- The last wish that was taken for a package and a channel. It comes again when upload was killed before it had noted
-- our answer, and must not start a release again that has failed since.
CREATE TABLE wishes (
    package_id text NOT NULL,
    channel text NOT NULL,
    wish text NOT NULL,
    PRIMARY KEY (package_id, channel)
);

-- Work to do, leased in the row so that any number of instances may run.
CREATE TABLE jobs (
    -- The kind and its subject, so that the same work is never queued twice.
    id text PRIMARY KEY,
    -- key: make an app's signing key. release: sign, verify and publish a release.
    kind text NOT NULL,
    subject text NOT NULL,
    attempts bigint NOT NULL,
    -- Leases that ended without a result: the work ended its worker.
    crashes bigint NOT NULL,
    next_at bigint NOT NULL,
    lease_owner text,
    lease_until bigint,
    -- Set when it is given up.
    failed_at bigint,
    last_error text
);
CREATE INDEX jobs_due ON jobs (next_at);

CREATE TABLE audit (
    id text PRIMARY KEY,
    at bigint NOT NULL,
    token_id text NOT NULL,
    token_name text NOT NULL,
    action text NOT NULL,
    app text,
    subject text NOT NULL,
    request_id text NOT NULL
);

-- What was done under an Idempotency-Key.
CREATE TABLE idempotency (
    token_id text NOT NULL,
    key text NOT NULL,
    -- SHA-256 of method, path and body in hex.
    request text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (token_id, key)
);
