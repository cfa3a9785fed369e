-- Statements of versions that differ in nothing but their build from the one in `statements`, whose key says no build.
-- They are beside it for the signing services of 0.3.0 and earlier that go on beside this one: to those such versions are
-- one, so that what they find in `statements` keeps them from stating any other, and a key or a file there that says the
-- build would keep them from starting.
CREATE TABLE further_statements (
    app text NOT NULL,
    version text NOT NULL,
    -- Equal for versions that are equal in order; says the build.
    version_key text NOT NULL,
    filename text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    key_id text NOT NULL REFERENCES keys (id),
    stated_at bigint NOT NULL,
    signature text,
    PRIMARY KEY (app, version_key, filename)
);
