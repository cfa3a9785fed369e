-- 1 for what was deleted: the row stays, to say so.
ALTER TABLE copy_apps ADD COLUMN deleted bigint NOT NULL DEFAULT 0;
ALTER TABLE copy_releases ADD COLUMN deleted bigint NOT NULL DEFAULT 0;
