-- When an app was deleted: its row stays, and its slug taken. (A seventh state of a release: deleted.)
ALTER TABLE apps ADD COLUMN deleted_at bigint;

-- Why something was done. Beside `audit`, for the catalogs of an earlier version that go on beside this one: PostgreSQL
-- would refuse what they have prepared.
CREATE TABLE audit_reasons (
    audit_id text PRIMARY KEY,
    reason text NOT NULL
);

-- Whether something was there and was deleted: deleting it again says the same.
CREATE INDEX audit_subjects ON audit (app, action, subject);
