-- Leases of a job alone in its process that ended without a result, since the last step forward.
ALTER TABLE jobs ADD COLUMN alone_crashes bigint NOT NULL DEFAULT 0;
-- Whether the present lease is one of these; 0 or 1.
ALTER TABLE jobs ADD COLUMN lease_alone bigint NOT NULL DEFAULT 0;
-- The signature with which a download instance has proven to serve the package: a job that begins again does not prove
-- it anew.
ALTER TABLE packages ADD COLUMN proven text;
