-- Keys that lack the build of their version, as 0.3.0 and earlier write them: completed in Rust when they are met.
CREATE INDEX releases_incomplete ON releases (version)
WHERE version LIKE '%+%' AND version_key NOT LIKE '%f' AND version_key NOT LIKE '%:%';
-- A catalog of such a version, beside us, looks for a version with a build under the key that lacks it, and would make it
-- a second time: packages could be added to what is published.
CREATE UNIQUE INDEX releases_version ON releases (app, version);
