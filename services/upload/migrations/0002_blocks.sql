-- SHA-256 in hex of the list of a package's blocks (1 MiB each). Null until there is a list and the catalog has its
-- digest: what was stored before there were lists is read once more in the background.
ALTER TABLE packages ADD COLUMN blocks text;
-- When to read it next, Unix milliseconds: a lease of who reads it now, or a pause after it was found wrong.
ALTER TABLE packages ADD COLUMN blocks_after bigint NOT NULL DEFAULT 0;
CREATE INDEX packages_without_blocks ON packages (blocks_after) WHERE blocks IS NULL AND state = 'delivered';
