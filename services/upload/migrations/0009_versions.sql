-- Keys that lack the build of their version, as 0.3.0 and earlier write them: completed in Rust when they are met.
CREATE INDEX packages_incomplete ON packages (version)
WHERE version LIKE '%+%' AND version_key NOT LIKE '%f' AND version_key NOT LIKE '%:%';
CREATE INDEX copy_releases_incomplete ON copy_releases (version)
WHERE version LIKE '%+%' AND version_key NOT LIKE '%f' AND version_key NOT LIKE '%:%';
