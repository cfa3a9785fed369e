-- What a request under an Idempotency-Key was answered from, in JSON: written with its effect. NULL of a key that a version
-- before 0.5.0 has noted.
ALTER TABLE idempotency ADD COLUMN answer text;
