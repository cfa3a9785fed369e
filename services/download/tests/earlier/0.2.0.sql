CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'download','2026-11-28 11:57:29',true,X'8D0BC247385F18A8298D73FE9F06374933DD567B83D11EFDA83DA152BF3F874AFB3B51DE2F0D54C5AE2E420D64704355',5699187);
INSERT INTO "_sqlx_migrations" VALUES(2,'blocks','2026-11-28 11:57:29',true,X'376FC4D5F33712451336DE2B86FB276EC00138B3205D736500782E355473DFEF5DF43062DA5CBFB055675E57802C3ACF',3147671);
INSERT INTO "_sqlx_migrations" VALUES(3,'mark','2026-11-28 11:57:29',true,X'239B130BB886432DF1690681EF0D2CC6B095D44DBD45E965205351BA7905B3262660F92332AEE30C5FC593C3498421AA',11002487);
INSERT INTO "_sqlx_migrations" VALUES(4,'lossy','2026-11-28 11:57:29',true,X'B96D9E849E153D7E4E6E2F68303841B4327C2DBC663E4A66699975C616808B01726BC39662666E0C75A55BF2F81FBFBB',11231787);
CREATE TABLE apps (
    slug text PRIMARY KEY,
    name text NOT NULL,
    -- The text of minisign.pub; null until the signing service has made the key.
    public_key text,
    seq bigint NOT NULL
);
INSERT INTO "apps" VALUES('notes','Notes & Größe','untrusted comment: minisign public key 0167011779A5CA21
RWQhyqV5FwFnAW81HYI5/91i9pUt1VVs6vedckE0IBLuAl50AILxQZz2
',3);
INSERT INTO "apps" VALUES('tools','Tools','untrusted comment: minisign public key EBF82B1F44B2309E
RWSeMLJEHyv467bzGSALlAtleNv8Hw1KUE8GXIu3oc7+Hqzq5Tt1eYDM
',5);
CREATE TABLE channels (
    app text NOT NULL,
    channel text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (app, channel, version)
);
INSERT INTO "channels" VALUES('notes','stable','1.0.0');
INSERT INTO "channels" VALUES('notes','beta','1.2.0+7');
INSERT INTO "channels" VALUES('notes','stable','1.1.0');
CREATE TABLE downloads (
    app text NOT NULL,
    version text NOT NULL,
    filename text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (app, version, filename)
);
INSERT INTO "downloads" VALUES('notes','1.0.0','notes-linux.bin',3);
CREATE TABLE icons (
    app text NOT NULL,
    version text NOT NULL,
    -- image/png or image/webp
    media_type text NOT NULL,
    bytes bytea NOT NULL,
    -- Of the package that it was read from: equal for equal pictures.
    sha256 text NOT NULL,
    PRIMARY KEY (app, version)
);
CREATE TABLE packages (
    app text NOT NULL,
    version text NOT NULL,
    filename text NOT NULL,
    -- In hex; the name of the blob in the store.
    sha256 text NOT NULL,
    -- Bytes.
    size bigint NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    arch text NOT NULL,
    -- The text of the .minisig.
    signature text NOT NULL,
    -- What inspection read, as JSON and without the icon.
    facts text NOT NULL, blocks text,
    PRIMARY KEY (app, version, filename)
);
INSERT INTO "packages" VALUES('notes','1.0.0','notes-linux.bin','54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f',880,'other','linux','x86_64','untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAZAiBzHZGf/pYxMgvaKJmQSycih71gKFyHAe5dNKsNbzf2SG2gMxyi9pZK0QELw0d5e39/7wu6MrkRWjVyTmuQw=
trusted comment: timestamp:1795867050	file:notes-linux.bin	version:1.0.0	app:notes	sha256:54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f
VHgWFQKFmh0PaQlhPb3pm8QibtdOaxt1UmEolUjXgqK+UuDN6U5fnvwT/aE6DyRYovA1zwPW6qzsgoXhGkUTCQ==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','fdd4f0bfdadbd76c44186c1cfb6d3ac68efb91a647ba1aa4cfc4acf5a962ca3f');
INSERT INTO "packages" VALUES('notes','1.2.0+7','notes-linux.bin','a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16',960,'other','linux','x86_64','untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAbPmwGwBRETAnbSwuS6bX1yKeBvz6Af9dox0xLGzocP53TU1KD8L+aSKhc0YzR6kQPnAEXCHKQV/Y3zP1HbRfA0=
trusted comment: timestamp:1795867051	file:notes-linux.bin	version:1.2.0+7	app:notes	sha256:a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16
d3f8H2kPBbF1U1h4WMs/zIviDN0plF4MlTCyKv2A4LMcfs4nBplDFLXhVuM+Albrip5BbGsZbFMQmaUrSOVbCA==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','f5f590712157c1cf7ee736d4ac41804598e2857f215e829177fed7ff2dc351c1');
INSERT INTO "packages" VALUES('notes','1.1.0','notes-linux.bin','66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a',880,'other','linux','x86_64','untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAR0Lw7SaWMJqy/WErTpG6qgTRyKqqITHP778tlaoE5EBDr5mLqmsuWxo8YhjXr12+6gDCt74ZYjhNKF37wiq6gA=
trusted comment: timestamp:1795867051	file:notes-linux.bin	version:1.1.0	app:notes	sha256:66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a
RlHOxmTMgienkEr2IyjjdymAydxP0FtAiiWftBxa9AlOTy6MMwCIUQa+Px3AhOJSFCMde86h9WAh0mWfGQEWAA==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','a7022eaa249c5e286386b250b2b6fe4a145ad5e90c733c2407489faacacd8edd');
CREATE TABLE position (
    id bigint PRIMARY KEY,
    -- Of the catalog's database; empty while there is no copy.
    epoch text NOT NULL,
    applied bigint NOT NULL,
    -- The number from which on nothing is missing: at first the copy grows page by page.
    whole_at bigint NOT NULL
, head bigint NOT NULL DEFAULT 0, mark text NOT NULL DEFAULT '', lossy_by text NOT NULL DEFAULT '');
INSERT INTO "position" VALUES(1,'01a22204-8013-72ff-a0a8-ebd5988b0eb1',18,1,18,'01a22204-8013-72ff-a0a8-ebd6475bb5c3.c548ec7d7bbf0c848c7b60575c85521ec837e08c41a51e9d0fc21d29b0f3f831','');
CREATE TABLE releases (
    app text NOT NULL,
    -- As the developer wrote it.
    version text NOT NULL,
    -- Sorts as versions do, bytewise and under every collation.
    version_key text NOT NULL,
    -- staged published yanked hidden
    visibility text NOT NULL,
    notes text,
    published_at bigint,
    -- Why it was yanked.
    reason text,
    seq bigint NOT NULL,
    PRIMARY KEY (app, version)
);
INSERT INTO "releases" VALUES('notes','1.0.0','0110000001','published',NULL,1795867051032,NULL,11);
INSERT INTO "releases" VALUES('notes','1.1.0','01101100001','yanked',NULL,1795867051262,'loses notes',18);
INSERT INTO "releases" VALUES('notes','1.2.0+7','01101200001','published',NULL,1795867051392,NULL,17);
CREATE TABLE slipway_database (id text PRIMARY KEY);
INSERT INTO "slipway_database" VALUES('01a22204-7fbe-7734-a8cd-63a6c523ccb5');
CREATE INDEX releases_order ON releases (app, version_key);
