-- The central configuration, and a copy of the catalog's tokens, by which it is decided who may change it. Times are Unix
-- milliseconds.

-- One row. `seen` is the highest revision that any instance has reported: after an older copy of this database was put back,
-- the next change gets a higher number, so that nobody takes it for one that is known.
CREATE TABLE configuration_head (
    id bigint PRIMARY KEY,
    revision bigint NOT NULL,
    seen bigint NOT NULL
);
INSERT INTO configuration_head (id, revision, seen) VALUES (1, 0, 0);

CREATE TABLE configuration_revisions (
    revision bigint PRIMARY KEY,
    made_at bigint NOT NULL,
    -- Empty for what was shipped.
    token_id text NOT NULL,
    token_name text NOT NULL,
    request_id text NOT NULL,
    -- changed promoted rolled_back shipped
    action text NOT NULL,
    reason text NOT NULL,
    -- The revision before: what a writer based this one on.
    before bigint NOT NULL
);

-- A document from a revision on. Its newest row up to a revision is what it was then.
CREATE TABLE configuration_documents (
    name text NOT NULL,
    revision bigint NOT NULL,
    -- JSON; null where the document was taken away.
    content text,
    PRIMARY KEY (name, revision)
);

-- What instances of a service last said that there is to set, for when none of them is there.
CREATE TABLE configuration_schemas (
    service text PRIMARY KEY,
    version text NOT NULL,
    -- JSON Schema.
    content text NOT NULL
);

-- One row: how far the copy of the catalog's tokens is.
CREATE TABLE copy_position (
    id bigint PRIMARY KEY,
    epoch text NOT NULL,
    applied bigint NOT NULL,
    whole_at bigint NOT NULL,
    head bigint NOT NULL,
    mark text NOT NULL,
    lossy_by text NOT NULL
);
INSERT INTO copy_position (id, epoch, applied, whole_at, head, mark, lossy_by) VALUES (1, '', 0, 0, 0, '', '');

CREATE TABLE copy_tokens (
    -- SHA-256 of the token's text.
    hash text PRIMARY KEY,
    -- JSON of what it permits.
    permits text NOT NULL,
    seq bigint NOT NULL
);
