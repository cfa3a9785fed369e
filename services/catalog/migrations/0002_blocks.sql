-- SHA-256 in hex of the list of a package's blocks (1 MiB each); null for one that was taken before there were lists.
ALTER TABLE packages ADD COLUMN blocks text;
CREATE INDEX packages_sha256 ON packages (sha256);
