-- Times are Unix milliseconds.

-- One row, by which a sealing key proves that it is the one that the keys of this database are sealed with.
CREATE TABLE sealing (
    id bigint PRIMARY KEY,
    proof bytea NOT NULL
);

CREATE TABLE keys (
    -- As the format's own tools print it.
    id text PRIMARY KEY,
    -- release: signs what an app publishes.
    role text NOT NULL,
    -- minisign
    format text NOT NULL,
    app text NOT NULL,
    -- Nonce, ciphertext and tag of the seed. Id, role, format and app are authenticated with it.
    sealed bytea NOT NULL,
    -- The file that users get.
    public_key text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (app, role, format)
);

-- What has been or will be signed: a name in a version of an app means these bytes, for ever.
CREATE TABLE statements (
    app text NOT NULL,
    -- As the developer wrote it.
    version text NOT NULL,
    -- Equal for versions that are equal in order.
    version_key text NOT NULL,
    filename text NOT NULL,
    -- In hex.
    sha256 text NOT NULL,
    -- Bytes.
    size bigint NOT NULL,
    key_id text NOT NULL REFERENCES keys (id),
    -- Its whole seconds are in the signature.
    stated_at bigint NOT NULL,
    -- Text of the .minisig; null until it is made.
    signature text,
    PRIMARY KEY (app, version_key, filename)
);
