-- Keys that lack the build of their version, as 0.3.0 and earlier write them: completed in Rust when they are met.
CREATE INDEX releases_incomplete ON releases (version)
WHERE version LIKE '%+%' AND version_key NOT LIKE '%f' AND version_key NOT LIKE '%:%';
