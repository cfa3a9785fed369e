-- The size as the signature says it. Null in what was stated before 0.5.0, or is stated by such a signing service beside
-- this one: those signatures do not say it, and no signature changes.
ALTER TABLE statements ADD COLUMN signed_size bigint;
ALTER TABLE further_statements ADD COLUMN signed_size bigint;
