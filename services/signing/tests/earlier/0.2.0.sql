CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'signing','2026-11-28 11:57:29',true,X'F9846A061CB37D3873697783C7E4B6275BB13346AAD84DC3C9FC310FB564ECAC582F36B14F3C07D183879A435EB9C393',9150439);
CREATE TABLE keys (
    -- As the format's own tools print it.
    id text PRIMARY KEY,
    -- release: signs what an app publishes.
    role text NOT NULL,
    -- minisign
    format text NOT NULL,
    app text NOT NULL,
    -- Nonce, ciphertext and tag of the seed. Id, role, format and app are authenticated with it.
    sealed bytea NOT NULL,
    -- The file that users get.
    public_key text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (app, role, format)
);
INSERT INTO "keys" VALUES('0167011779A5CA21','release','minisign','notes',X'2DDCECBDFC506C7886032D7248A511E47D3F00F45C77DD447113EB03BE763E2884C6D9A34A5B6E9EFAE826643233604401C40039F49EC18065C4EDBA472A2E4C46BAD9D1CFD76F54','untrusted comment: minisign public key 0167011779A5CA21
RWQhyqV5FwFnAW81HYI5/91i9pUt1VVs6vedckE0IBLuAl50AILxQZz2
',1795867050514);
INSERT INTO "keys" VALUES('EBF82B1F44B2309E','release','minisign','tools',X'810ECE9A0348A109BE5EDB65499385E774FF520B0C6CECA3963D7DE31A4B4CEF3F7DAC97DCED4869073ED28CA878ECCB79298510F00FFD690A49DEC0C9AD26615750D05422E6788E','untrusted comment: minisign public key EBF82B1F44B2309E
RWSeMLJEHyv467bzGSALlAtleNv8Hw1KUE8GXIu3oc7+Hqzq5Tt1eYDM
',1795867050562);
CREATE TABLE sealing (
    id bigint PRIMARY KEY,
    proof bytea NOT NULL
);
INSERT INTO "sealing" VALUES(1,X'7E71E70531F31DA7DF7B9DC260EDAA8FA518B0AB414EAC5C8B70023F5AFD964B015FCDB70CD3FFC575AF0D18CB6A22EB612344B18FC165B391B854CF7615E6842AC8BBF96486BBEE');
CREATE TABLE slipway_database (id text PRIMARY KEY);
INSERT INTO "slipway_database" VALUES('01a22204-7fa7-729b-a9f4-3df8d86402ee');
CREATE TABLE statements (
    app text NOT NULL,
    -- As the developer wrote it.
    version text NOT NULL,
    -- Equal for versions that are equal in order.
    version_key text NOT NULL,
    filename text NOT NULL,
    -- In hex.
    sha256 text NOT NULL,
    -- Bytes.
    size bigint NOT NULL,
    key_id text NOT NULL REFERENCES keys (id),
    -- Its whole seconds are in the signature.
    stated_at bigint NOT NULL,
    -- Text of the .minisig; null until it is made.
    signature text,
    PRIMARY KEY (app, version_key, filename)
);
INSERT INTO "statements" VALUES('notes','1.0.0','0110000001','notes-linux.bin','54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f',880,'0167011779A5CA21',1795867050888,'untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAZAiBzHZGf/pYxMgvaKJmQSycih71gKFyHAe5dNKsNbzf2SG2gMxyi9pZK0QELw0d5e39/7wu6MrkRWjVyTmuQw=
trusted comment: timestamp:1795867050	file:notes-linux.bin	version:1.0.0	app:notes	sha256:54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f
VHgWFQKFmh0PaQlhPb3pm8QibtdOaxt1UmEolUjXgqK+UuDN6U5fnvwT/aE6DyRYovA1zwPW6qzsgoXhGkUTCQ==
');
INSERT INTO "statements" VALUES('notes','1.1.0','01101100001','notes-linux.bin','66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a',880,'0167011779A5CA21',1795867051160,'untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAR0Lw7SaWMJqy/WErTpG6qgTRyKqqITHP778tlaoE5EBDr5mLqmsuWxo8YhjXr12+6gDCt74ZYjhNKF37wiq6gA=
trusted comment: timestamp:1795867051	file:notes-linux.bin	version:1.1.0	app:notes	sha256:66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a
RlHOxmTMgienkEr2IyjjdymAydxP0FtAiiWftBxa9AlOTy6MMwCIUQa+Px3AhOJSFCMde86h9WAh0mWfGQEWAA==
');
INSERT INTO "statements" VALUES('notes','1.2.0+7','01101200001','notes-linux.bin','a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16',960,'0167011779A5CA21',1795867051362,'untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAbPmwGwBRETAnbSwuS6bX1yKeBvz6Af9dox0xLGzocP53TU1KD8L+aSKhc0YzR6kQPnAEXCHKQV/Y3zP1HbRfA0=
trusted comment: timestamp:1795867051	file:notes-linux.bin	version:1.2.0+7	app:notes	sha256:a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16
d3f8H2kPBbF1U1h4WMs/zIviDN0plF4MlTCyKv2A4LMcfs4nBplDFLXhVuM+Albrip5BbGsZbFMQmaUrSOVbCA==
');
