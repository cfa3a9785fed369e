-- What an app may hold in place of what the settings say; null where they say it.
ALTER TABLE apps ADD COLUMN quota_bytes bigint;
ALTER TABLE apps ADD COLUMN quota_releases bigint;
ALTER TABLE apps ADD COLUMN quota_drafts bigint;

-- One row: what the settings said when the apps were last told to followers, JSON.
CREATE TABLE quota_defaults (
    id bigint PRIMARY KEY,
    quota text NOT NULL
);
