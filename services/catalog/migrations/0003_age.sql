-- A follower is a service and an instance of it: nobody acknowledges for another. They tell how far they are again.
DROP TABLE followers;
CREATE TABLE followers (
    service text NOT NULL,
    instance text NOT NULL,
    applied bigint NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (service, instance)
);

-- Each start of a catalog process, in their order, and the head that there was. Marks of the feed name the last one, so
-- an older copy of this database is known also after it has written as much as it lacks.
CREATE TABLE starts (
    number bigint PRIMARY KEY,
    id text NOT NULL UNIQUE,
    head bigint NOT NULL
);

-- The epoch that waits to be accepted; null while nothing is held.
ALTER TABLE feed ADD COLUMN held text;

-- The epochs of copies from which the held one would take something away.
CREATE TABLE claims (
    service text NOT NULL,
    epoch text NOT NULL,
    claimed_at bigint NOT NULL,
    PRIMARY KEY (service, epoch)
);

-- What was accepted: copies of the epoch `replaced` are given up for `epoch`.
CREATE TABLE replaced (
    epoch text NOT NULL,
    replaced text NOT NULL,
    PRIMARY KEY (epoch, replaced)
);
