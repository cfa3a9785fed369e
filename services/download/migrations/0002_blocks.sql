-- SHA-256 in hex of the list of the file's blocks (1 MiB each); null until the catalog says it.
ALTER TABLE packages ADD COLUMN blocks text;
