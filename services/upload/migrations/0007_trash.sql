-- Since when the sweep knows that a package is refused or removed, Unix milliseconds: its row tells the reason for a time.
ALTER TABLE packages ADD COLUMN ended_at bigint;
CREATE INDEX packages_ended ON packages (ended_at) WHERE state IN ('refused', 'removed');
-- Who refers to the bytes of a digest.
CREATE INDEX packages_sha256 ON packages (sha256);
