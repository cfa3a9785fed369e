-- What an app may hold, JSON; empty for one without a limit.
ALTER TABLE copy_apps ADD COLUMN quota text NOT NULL DEFAULT '';
CREATE INDEX packages_app ON packages (app);

-- Whoever takes a package in for an app that has a limit has its row here first.
CREATE TABLE quota_locks (
    app text PRIMARY KEY
);
