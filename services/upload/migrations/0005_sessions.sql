-- Who wished, and when the answer to that became true (Unix milliseconds): the catalog judges the wish by them. Null in a
-- row of before 0.3.0, whose wish is judged by the token of the package, and by the time at which it is judged.
ALTER TABLE outbox ADD COLUMN token_id text;
ALTER TABLE outbox ADD COLUMN request_id text;
ALTER TABLE outbox ADD COLUMN acknowledged_at bigint;
-- The row of the outbox whose wish was refused: it is no answer to another token's. Null when the package was.
ALTER TABLE packages ADD COLUMN refused_entry text;

-- A session is seen by its token alone.
DROP INDEX sessions_app;
CREATE INDEX sessions_token ON sessions (token_id, id);
