-- What an intent in the outbox says beside its channel, by its UUID: beside the outbox, and not in it, for the uploads of
-- an earlier version that go on beside this one. An intent without a row is one of theirs.
CREATE TABLE intents (
    intent text PRIMARY KEY,
    -- Notes of the release.
    notes text,
    -- 1 when what is odd is refused.
    strict bigint NOT NULL,
    -- 1 when a channel that does not exist is made.
    create_channel bigint NOT NULL,
    -- Where the copy of the catalog's state was then.
    epoch text NOT NULL,
    applied bigint NOT NULL
);
