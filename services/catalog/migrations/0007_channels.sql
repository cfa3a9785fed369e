-- Releases that left a channel when it was rolled back: that they are published again does not bring them back.
CREATE TABLE channel_departures (
    app text NOT NULL,
    channel text NOT NULL,
    release_id text NOT NULL REFERENCES releases (id),
    -- The release that was made the newest.
    rolled_back_to text NOT NULL REFERENCES releases (id),
    left_at bigint NOT NULL,
    PRIMARY KEY (app, channel, release_id)
);
CREATE INDEX channel_departures_release ON channel_departures (release_id);

-- The last roll-back of each channel. What was asked for before it, and comes after it, does not move the channel above it.
CREATE TABLE rollbacks (
    app text NOT NULL,
    channel text NOT NULL,
    -- The release that was made the newest.
    release_id text NOT NULL REFERENCES releases (id),
    -- The number of the change: who has not heard of it has asked before it.
    seq bigint NOT NULL,
    rolled_back_at bigint NOT NULL,
    PRIMARY KEY (app, channel)
);

-- The notes that each token gave with its packages of a draft. A token that may only upload must not put its words into
-- what another publishes.
CREATE TABLE draft_notes (
    release_id text NOT NULL,
    token_id text NOT NULL,
    notes text NOT NULL,
    PRIMARY KEY (release_id, token_id)
);

-- What inspection read out of a package that the app's later ones are compared with. A package without a row was taken by
-- an earlier version, and gets one when it is needed.
CREATE TABLE package_identities (
    package_id text PRIMARY KEY,
    app text NOT NULL,
    -- Null where the bytes do not say, as the others.
    identifier text,
    version_code bigint,
    signer_sha256 text
);
CREATE INDEX package_identities_app ON package_identities (app, identifier);
CREATE INDEX packages_app ON packages (app);

-- What is odd about a package beside the app's earlier ones and in its release, JSON: an array of texts.
CREATE TABLE package_warnings (
    package_id text PRIMARY KEY,
    warnings text NOT NULL
);
