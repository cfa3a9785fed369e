-- The packages that the catalog has, and those that are gone: the bytes of the others are needed.
CREATE TABLE copy_packages (id text PRIMARY KEY, app text NOT NULL, sha256 text NOT NULL, gone bigint NOT NULL, seq bigint NOT NULL);
CREATE INDEX copy_packages_sha256 ON copy_packages (sha256);

-- A package that is gone at the catalog is found by its id there. (A fourth state of a package here: removed.)
CREATE INDEX packages_known_as ON packages (known_as);

-- The packages in whose place a package was put here, until the catalog has it or has refused it: one of them may still be
-- on its way, and must not come after it.
CREATE TABLE replacements (
    package_id text NOT NULL,
    replaced text NOT NULL,
    PRIMARY KEY (package_id, replaced)
);

-- What a refusal of the catalog names beside its words: members of the problem, JSON.
CREATE TABLE refusal_members (
    package_id text PRIMARY KEY,
    members text NOT NULL
);
