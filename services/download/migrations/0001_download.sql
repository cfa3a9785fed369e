-- A copy of what the catalog's change feed says of apps and releases, and counters of our own. Times are Unix
-- milliseconds. `seq` is the number of a row's last change in the feed: an older change never overwrites a newer one.

-- One row: how far the copy is.
CREATE TABLE position (
    id bigint PRIMARY KEY,
    -- Of the catalog's database; empty while there is no copy.
    epoch text NOT NULL,
    applied bigint NOT NULL,
    -- The number from which on nothing is missing: at first the copy grows page by page.
    whole_at bigint NOT NULL
);
INSERT INTO position (id, epoch, applied, whole_at) VALUES (1, '', 0, 0);

CREATE TABLE apps (
    slug text PRIMARY KEY,
    name text NOT NULL,
    -- The text of minisign.pub; null until the signing service has made the key.
    public_key text,
    seq bigint NOT NULL
);

CREATE TABLE releases (
    app text NOT NULL,
    -- As the developer wrote it.
    version text NOT NULL,
    -- Sorts as versions do, bytewise and under every collation.
    version_key text NOT NULL,
    -- staged published yanked hidden
    visibility text NOT NULL,
    notes text,
    published_at bigint,
    -- Why it was yanked.
    reason text,
    seq bigint NOT NULL,
    PRIMARY KEY (app, version)
);
CREATE INDEX releases_order ON releases (app, version_key);

-- The channels that a release was released to.
CREATE TABLE channels (
    app text NOT NULL,
    channel text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (app, channel, version)
);

CREATE TABLE packages (
    app text NOT NULL,
    version text NOT NULL,
    filename text NOT NULL,
    -- In hex; the name of the blob in the store.
    sha256 text NOT NULL,
    -- Bytes.
    size bigint NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    arch text NOT NULL,
    -- The text of the .minisig.
    signature text NOT NULL,
    -- What inspection read, as JSON and without the icon.
    facts text NOT NULL,
    PRIMARY KEY (app, version, filename)
);

-- The picture of a release: that of its first package with one.
CREATE TABLE icons (
    app text NOT NULL,
    version text NOT NULL,
    -- image/png or image/webp
    media_type text NOT NULL,
    bytes bytea NOT NULL,
    -- Of the package that it was read from: equal for equal pictures.
    sha256 text NOT NULL,
    PRIMARY KEY (app, version)
);

-- Not part of the copy: it stays when the copy is made anew.
CREATE TABLE downloads (
    app text NOT NULL,
    version text NOT NULL,
    filename text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (app, version, filename)
);
