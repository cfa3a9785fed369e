-- 1 for an app that was deleted: the row stays, to say so. (A fifth visibility of a release: deleted.)
ALTER TABLE apps ADD COLUMN deleted bigint NOT NULL DEFAULT 0;
