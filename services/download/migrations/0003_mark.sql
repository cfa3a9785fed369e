-- The head and the mark of the catalog's newest answer: they show it when its database is an older copy.
ALTER TABLE position ADD COLUMN head bigint NOT NULL DEFAULT 0;
ALTER TABLE position ADD COLUMN mark text NOT NULL DEFAULT '';
