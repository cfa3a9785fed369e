CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'upload','2026-11-28 11:57:29',true,X'B03840461F0030C1229B8CE9DF35738E31526C6B959E5CA696EEAA53DA20D343EC2553B1DF973861EC2E48E8C69225BB',11186229);
INSERT INTO "_sqlx_migrations" VALUES(2,'blocks','2026-11-28 11:57:29',true,X'012D98E45B7C96AF23BCF12849D0A0143FE597783DA20D125347C9877FD2BDFAC2542286933C94A86A133861DF93763C',8639841);
INSERT INTO "_sqlx_migrations" VALUES(3,'mark','2026-11-28 11:57:29',true,X'F9240F6FBD88E890186185CD8D253E4EA826238D6BE86D0C3143A34A546F15B5CF614DFB9592EF2F05C4935CC089D572',5019990);
INSERT INTO "_sqlx_migrations" VALUES(4,'lossy','2026-11-28 11:57:30',true,X'0AA8EE81FFB54F9C5A7E59AC6F1C21DFF33FAFD4C6E6C8873BECD8A4316DF8E6286599BBB97A376F2214A94DFACE70FA',7270028);
CREATE TABLE copy_apps (
    slug text PRIMARY KEY,
    seq bigint NOT NULL
);
INSERT INTO "copy_apps" VALUES('notes',3);
INSERT INTO "copy_apps" VALUES('tools',5);
CREATE TABLE copy_position (
    id bigint PRIMARY KEY,
    epoch text NOT NULL,
    applied bigint NOT NULL,
    -- The number from which on nothing is missing: at first the copy grows page by page.
    whole_at bigint NOT NULL
, head bigint NOT NULL DEFAULT 0, mark text NOT NULL DEFAULT '', lossy_by text NOT NULL DEFAULT '');
INSERT INTO "copy_position" VALUES(1,'01a22204-8013-72ff-a0a8-ebd5988b0eb1',18,1,18,'01a22204-8013-72ff-a0a8-ebd6475bb5c3.c548ec7d7bbf0c848c7b60575c85521ec837e08c41a51e9d0fc21d29b0f3f831','');
CREATE TABLE copy_releases (
    app text NOT NULL,
    version_key text NOT NULL,
    version text NOT NULL,
    -- JSON: the digest of each file name. Empty when the version is still open.
    files text NOT NULL,
    -- 1 when nothing may be added any more.
    closed bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (app, version_key)
);
INSERT INTO "copy_releases" VALUES('notes','0110000001','1.0.0','{"notes-linux.bin":"54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f"}',1,11);
INSERT INTO "copy_releases" VALUES('notes','01101100001','1.1.0','{"notes-linux.bin":"66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a"}',1,18);
INSERT INTO "copy_releases" VALUES('notes','01101200001','1.2.0+7','{"notes-linux.bin":"a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16"}',1,17);
CREATE TABLE copy_tokens (
    -- SHA-256 of the token's text in hex.
    hash text PRIMARY KEY,
    -- What it permits, JSON.
    permits text NOT NULL,
    seq bigint NOT NULL
);
INSERT INTO "copy_tokens" VALUES('b99a415eecc8926fff64f58f8e37cef5b6e1cb5f3be3c1eab7b0c0f1c07bf2ba','{"id":"01a22204-8035-7030-9b42-d4eaa8b029c0","name":"administrator","scopes":["admin"],"app":null,"expires_at":null,"revoked_at":null}',1);
INSERT INTO "copy_tokens" VALUES('39be00deab25def0705ea24d7522b623b546744fd7f4ce9477027a7e3c0bf3c3','{"id":"01a22204-8274-77e0-8270-e786ddf0f14b","name":"publisher","scopes":["read","upload","release"],"app":"notes","expires_at":null,"revoked_at":null}',6);
INSERT INTO "copy_tokens" VALUES('58cb4303bcee3292f9c082441513cbfe9a4b336edea30e6c290e23418eb58a7d','{"id":"01a22204-8283-7314-8005-ec143557057e","name":"revoked","scopes":["upload"],"app":null,"expires_at":null,"revoked_at":1795867050650}',8);
CREATE TABLE packages (
    id text PRIMARY KEY,
    app text NOT NULL,
    filename text NOT NULL,
    -- As the developer wrote it; null for a package on its own.
    version text,
    -- Equal for versions that are equal in order; of a package on its own its digest, so that the same bytes are a retry.
    version_key text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    arch text NOT NULL,
    -- What inspection read, JSON.
    facts text NOT NULL,
    -- stored: durable here. delivered: the catalog has it. refused: the catalog will never take it.
    state text NOT NULL,
    -- Its id at the catalog: another one when the catalog had these bytes before.
    known_as text,
    -- The catalog's last refusal, of the package or of a wish to release it.
    refused_status bigint,
    refused_code text,
    refused_detail text,
    token_id text NOT NULL,
    token_name text NOT NULL,
    request_id text NOT NULL,
    created_at bigint NOT NULL
, blocks text, blocks_after bigint NOT NULL DEFAULT 0);
INSERT INTO "packages" VALUES('01a22204-831e-75f4-bd46-d2aa3ccc589f','notes','notes-linux.bin','1.0.0','0110000001','54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f',880,'other','linux','x86_64','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a22204-831e-75f4-bd46-d2aa3ccc589f',NULL,NULL,NULL,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','01a22204-82bd-771f-902a-0fb2a91dbf48',1795867050783,'fdd4f0bfdadbd76c44186c1cfb6d3ac68efb91a647ba1aa4cfc4acf5a962ca3f',0);
INSERT INTO "packages" VALUES('01a22204-8473-7077-aa3b-adcf6ae880c8','notes','notes-linux.bin','1.1.0','01101100001','66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a',880,'other','linux','x86_64','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a22204-8473-7077-aa3b-adcf6ae880c8',NULL,NULL,NULL,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','01a22204-8451-7090-9cdb-e8ddbc3911b1',1795867051123,'a7022eaa249c5e286386b250b2b6fe4a145ad5e90c733c2407489faacacd8edd',0);
INSERT INTO "packages" VALUES('01a22204-853e-768a-929a-12b51bcb3150','notes','notes-linux.bin','1.2.0+7','01101200001','a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16',960,'other','linux','x86_64','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a22204-853e-768a-929a-12b51bcb3150',NULL,NULL,NULL,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','01a22204-8522-7287-a6bd-700bebecd1e4',1795867051326,'f5f590712157c1cf7ee736d4ac41804598e2857f215e829177fed7ff2dc351c1',0);
INSERT INTO "packages" VALUES('01a22204-85e3-72eb-9df3-614406bc919a','notes','notes-linux.bin','1.5.0','01101500001','a5e313f0709c1391f84952bbff95ffc65f559130bf61c16bef2d971c8d925e04',880,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a22204-85e3-72eb-9df3-614406bc919a',NULL,NULL,NULL,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','01a22204-85c0-77bf-b597-8ba2d6350f09',1795867051491,'69d4497fe401018a994ccd8a744586fbf1b08b07bd9ad5e492d7bc626d7b4681',0);
INSERT INTO "packages" VALUES('01a22204-8692-7120-90a1-1e73b2c47a5b','tools','tools.bin','1.0+3','0110000001','916cc48a5be8d3260fee4a598000e79f4d0c5b336b22aa28bbe356a9a204d10c',640,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','stored',NULL,NULL,NULL,NULL,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','01a22204-8684-7708-a26a-93e7f77916cd',1795867051666,'b1faf1c19ac5934b2822619ee5fabb1174d7c0bd6ab7408ffcb5b61c602872a8',0);
INSERT INTO "packages" VALUES('01a22204-9af9-73dd-bac8-038c0ea94e44','notes','notes.apk','1.6.0','01101600001','a9c44dd79639445bc3d3b9838fd9fc07365c0bbece88a57a95bfa562b9f2db8f',621,'apk','android','universal','{"kind":"apk","platform":"android","arch":"universal","identifier":"org.example.notes","version":"1.6.0","version_code":7,"label":"Notes","icon":null,"min_sdk":21,"target_sdk":33,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["the APK is not signed: Android does not install it"]}','stored',NULL,NULL,NULL,NULL,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','01a22204-9ae8-772c-a07c-9b9f6449a1dc',1795867056889,'3df73e63f82cef0a024dee2082d7cf6888f1b4df66c501d0f0b0c3f520efec11',0);
CREATE TABLE outbox (
    -- The package and the channel that it is wished for in: what is wished again while it waits has one place.
    id text PRIMARY KEY,
    package_id text NOT NULL REFERENCES packages (id),
    channel text,
    -- A UUID, new each time it is wished: the catalog takes each wish once.
    wish text NOT NULL,
    attempts bigint NOT NULL,
    next_at bigint NOT NULL,
    -- A UUID of the lease: also the same process must not end one that it has begun later.
    lease_owner text,
    lease_until bigint,
    -- Since when and why it is not delivered, in words for the developer.
    failing_since bigint,
    last_error text,
    created_at bigint NOT NULL
);
INSERT INTO "outbox" VALUES('01a22204-8692-7120-90a1-1e73b2c47a5b/next','01a22204-8692-7120-90a1-1e73b2c47a5b','next','01a22204-869b-7029-84be-231bcc40825c',9,1795867071083,NULL,NULL,1795867055680,'the catalog does not answer; the package is safe and is handed over by itself',1795867051675);
INSERT INTO "outbox" VALUES('01a22204-9af9-73dd-bac8-038c0ea94e44/beta','01a22204-9af9-73dd-bac8-038c0ea94e44','beta','01a22204-9b07-75be-9b2f-05b87822ca6b',10,1795867071083,NULL,NULL,1795867060912,'the catalog does not answer; the package is safe and is handed over by itself',1795867056903);
CREATE TABLE sessions (
    id text PRIMARY KEY,
    app text NOT NULL,
    -- `Upload-Metadata` as the client sent it.
    metadata text NOT NULL,
    size bigint NOT NULL,
    -- Bytes that are durable. Those before it never change again.
    received bigint NOT NULL,
    -- Set when all bytes are durable.
    sha256 text,
    -- The request that writes now; another one takes over by putting itself here.
    writer text,
    -- Set when the package is stored.
    package_id text,
    token_id text NOT NULL,
    token_name text NOT NULL,
    request_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
INSERT INTO "sessions" VALUES('01a22204-8669-70dd-b1dc-ef468e75d929','notes','filename bm90ZXMtbGludXguYmlu,version MS43LjA=,platform bGludXg=',880,440,NULL,'01a22204-8671-70be-8560-2efcf8b8c78b',NULL,'01a22204-8274-77e0-8270-e786ddf0f14b','publisher','01a22204-8666-74ba-9eff-c4aee9f2c452',1795867051625,4949467051641);
CREATE TABLE slipway_database (id text PRIMARY KEY);
INSERT INTO "slipway_database" VALUES('01a22204-7fba-7444-b80b-eb81f0ba9d0e');
CREATE UNIQUE INDEX packages_taken ON packages (app, version_key, filename) WHERE state <> 'refused';
CREATE INDEX outbox_due ON outbox (next_at);
CREATE INDEX outbox_package ON outbox (package_id);
CREATE INDEX sessions_app ON sessions (app);
CREATE INDEX sessions_expires ON sessions (expires_at);
CREATE INDEX packages_without_blocks ON packages (blocks_after) WHERE blocks IS NULL AND state = 'delivered';
