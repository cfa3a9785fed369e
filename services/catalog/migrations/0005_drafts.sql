-- Each token that sent these bytes under this name. They are beside `packages`, and not in it, for the catalogs of an
-- earlier version that go on beside this one: PostgreSQL would refuse what they have prepared.
CREATE TABLE package_tokens (
    package_id text NOT NULL,
    token_id text NOT NULL,
    token_name text NOT NULL,
    PRIMARY KEY (package_id, token_id)
);

-- What the feed tells upload of each package. The row stays when the package is gone: deleted, or replaced in its draft.
CREATE TABLE package_rows (
    id text PRIMARY KEY,
    app text NOT NULL,
    -- Empty for one that was withdrawn before it came.
    sha256 text NOT NULL,
    gone bigint NOT NULL,
    seq bigint NOT NULL
);
CREATE INDEX package_rows_seq ON package_rows (seq);

-- Who uploaded what is there: the audit knows.
INSERT INTO package_tokens (package_id, token_id, token_name)
SELECT p.id, a.token_id, min(a.token_name)
FROM packages p JOIN audit a ON a.subject = p.id AND a.action = 'package.upload'
GROUP BY p.id, a.token_id;

-- What is there gets its numbers. The feed is changed first, which keeps everybody else from taking one meanwhile; an
-- app has the last number, so that the head is one that everybody is told.
UPDATE feed SET head = head + 1 + (SELECT count(*) FROM packages)
WHERE id = 1 AND EXISTS (SELECT id FROM packages);
INSERT INTO package_rows (id, app, sha256, gone, seq)
SELECT id, app, sha256, 0,
    (SELECT head FROM feed WHERE id = 1) - 1 - count(*) OVER () + row_number() OVER (ORDER BY id)
FROM packages;
UPDATE apps SET seq = (SELECT head FROM feed WHERE id = 1) WHERE slug = (SELECT min(app) FROM packages);
