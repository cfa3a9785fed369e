-- The earliest version of Slipway that passed over something in this copy which a later catalog said; empty when none did.
-- A later version takes the copy anew.
ALTER TABLE position ADD COLUMN lossy_by text NOT NULL DEFAULT '';
