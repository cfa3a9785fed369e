CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'catalog','2026-11-28 11:57:29',true,X'6F278A3454AE4CD2991AE5B514071DA6931A40A2021EDD8203D88610811542D01A0189A267AEFAEBBFD59B139FBC3911',10956819);
INSERT INTO "_sqlx_migrations" VALUES(2,'blocks','2026-11-28 11:57:29',true,X'88070E5AF45F8C608F099991073CC509AF2F66C2258CE7E8BD3821A2589335182397F022AC46FBB418404445CD3CE126',3554765);
INSERT INTO "_sqlx_migrations" VALUES(3,'age','2026-11-28 11:57:29',true,X'A981A0711AF00B0BE99360E48F9D4C365B719EA2513FAA4C202BD4A1F63CA950FF5FBDCF40F09F801682AD6E67E91B7F',12988083);
CREATE TABLE apps (
    slug text PRIMARY KEY,
    name text NOT NULL,
    -- Of the app's minisign key; null until the signing service has made it.
    key_id text,
    public_key text,
    created_at bigint NOT NULL,
    seq bigint NOT NULL
);
INSERT INTO "apps" VALUES('notes','Notes & Größe','0167011779A5CA21','untrusted comment: minisign public key 0167011779A5CA21
RWQhyqV5FwFnAW81HYI5/91i9pUt1VVs6vedckE0IBLuAl50AILxQZz2
',1795867050411,3);
INSERT INTO "apps" VALUES('tools','Tools','EBF82B1F44B2309E','untrusted comment: minisign public key EBF82B1F44B2309E
RWSeMLJEHyv467bzGSALlAtleNv8Hw1KUE8GXIu3oc7+Hqzq5Tt1eYDM
',1795867050553,5);
CREATE TABLE audit (
    id text PRIMARY KEY,
    at bigint NOT NULL,
    token_id text NOT NULL,
    token_name text NOT NULL,
    action text NOT NULL,
    app text,
    subject text NOT NULL,
    request_id text NOT NULL
);
INSERT INTO "audit" VALUES('01a22204-81ad-7758-ac0a-dabd0a285e3f',1795867050413,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','app.create','notes','notes','01a22204-8169-7436-9efa-1d0767ae659f');
INSERT INTO "audit" VALUES('01a22204-8239-70bc-8658-483816ac8518',1795867050553,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','app.create','tools','tools','01a22204-8236-7359-b765-717b27846a4f');
INSERT INTO "audit" VALUES('01a22204-8275-71b1-a46a-496b799c1917',1795867050613,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','token.create','notes','01a22204-8274-77e0-8270-e786ddf0f14b','01a22204-8273-7162-81ec-2fd7f881e946');
INSERT INTO "audit" VALUES('01a22204-8284-752e-94c3-eddc09699c11',1795867050628,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','token.create',NULL,'01a22204-8283-7314-8005-ec143557057e','01a22204-8281-7283-99c3-a7837afdcf45');
INSERT INTO "audit" VALUES('01a22204-829c-74f9-828b-732bb858f51f',1795867050652,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','token.revoke',NULL,'01a22204-8283-7314-8005-ec143557057e','01a22204-8299-7695-851b-3be790e750d9');
INSERT INTO "audit" VALUES('01a22204-837d-70e3-bc46-fd8b3fe52031',1795867050877,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','package.upload','notes','01a22204-831e-75f4-bd46-d2aa3ccc589f','01a22204-82bd-771f-902a-0fb2a91dbf48');
INSERT INTO "audit" VALUES('01a22204-837f-77d6-9dbb-a357dafd4f03',1795867050879,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','release.publish','notes','1.0.0','01a22204-82bd-771f-902a-0fb2a91dbf48');
INSERT INTO "audit" VALUES('01a22204-8488-719b-83c2-34afb649bc7f',1795867051144,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','package.upload','notes','01a22204-8473-7077-aa3b-adcf6ae880c8','01a22204-8451-7090-9cdb-e8ddbc3911b1');
INSERT INTO "audit" VALUES('01a22204-848c-7316-918d-f4a4382d85d3',1795867051148,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','release.publish','notes','1.1.0','01a22204-8451-7090-9cdb-e8ddbc3911b1');
INSERT INTO "audit" VALUES('01a22204-8555-7784-b0a3-cf782b99d408',1795867051349,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','package.upload','notes','01a22204-853e-768a-929a-12b51bcb3150','01a22204-8522-7287-a6bd-700bebecd1e4');
INSERT INTO "audit" VALUES('01a22204-8556-7492-9217-9a6c25ee8597',1795867051350,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','release.publish','notes','1.2.0+7','01a22204-8522-7287-a6bd-700bebecd1e4');
INSERT INTO "audit" VALUES('01a22204-859f-77b5-9bb3-135bb0fd8cac',1795867051423,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','release.yank','notes','1.1.0','01a22204-859a-70f9-91b9-6cb6f2f885c0');
INSERT INTO "audit" VALUES('01a22204-85f3-75dd-9d9d-22ec925534b2',1795867051507,'01a22204-8035-7030-9b42-d4eaa8b029c0','administrator','package.upload','notes','01a22204-85e3-72eb-9df3-614406bc919a','01a22204-85c0-77bf-b597-8ba2d6350f09');
CREATE TABLE claims (
    service text NOT NULL,
    epoch text NOT NULL,
    claimed_at bigint NOT NULL,
    PRIMARY KEY (service, epoch)
);
CREATE TABLE feed (
    id bigint PRIMARY KEY,
    epoch text NOT NULL,
    head bigint NOT NULL
, held text);
INSERT INTO "feed" VALUES(1,'01a22204-8013-72ff-a0a8-ebd5988b0eb1',18,NULL);
CREATE TABLE followers (
    service text NOT NULL,
    instance text NOT NULL,
    applied bigint NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (service, instance)
);
INSERT INTO "followers" VALUES('download','01a22204-7fb8-71ab-98d1-f9f4689bab76',18,1795867051433);
INSERT INTO "followers" VALUES('upload','01a22204-7fb7-73bc-9a7f-361b540ec93a',18,1795867051443);
CREATE TABLE idempotency (
    token_id text NOT NULL,
    key text NOT NULL,
    -- SHA-256 of method, path and body in hex.
    request text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (token_id, key)
);
CREATE TABLE jobs (
    -- The kind and its subject, so that the same work is never queued twice.
    id text PRIMARY KEY,
    -- key: make an app's signing key. release: sign, verify and publish a release.
    kind text NOT NULL,
    subject text NOT NULL,
    attempts bigint NOT NULL,
    -- Leases that ended without a result: the work ended its worker.
    crashes bigint NOT NULL,
    next_at bigint NOT NULL,
    lease_owner text,
    lease_until bigint,
    -- Set when it is given up.
    failed_at bigint,
    last_error text
);
CREATE TABLE releases (
    id text PRIMARY KEY,
    app text NOT NULL REFERENCES apps (slug),
    -- As the developer wrote it.
    version text NOT NULL,
    -- Equal for versions that are equal in order, so that the constraint says "taken".
    version_key text NOT NULL,
    -- draft signing verifying published failed yanked
    state text NOT NULL,
    -- Why it is not further, failed or was yanked, in words.
    reason text,
    notes text,
    created_at bigint NOT NULL,
    published_at bigint,
    yanked_at bigint,
    seq bigint NOT NULL,
    UNIQUE (app, version_key)
);
INSERT INTO "releases" VALUES('01a22204-837b-726e-8c83-15df882d385f','notes','1.0.0','0110000001','published',NULL,NULL,1795867050875,1795867051032,NULL,11);
INSERT INTO "releases" VALUES('01a22204-8488-719b-83c2-34aeb8ecfaa4','notes','1.1.0','01101100001','yanked','loses notes',NULL,1795867051144,1795867051262,1795867051422,18);
INSERT INTO "releases" VALUES('01a22204-8553-73b6-a0f3-7eb7923f99f2','notes','1.2.0+7','01101200001','published',NULL,NULL,1795867051347,1795867051392,NULL,17);
INSERT INTO "releases" VALUES('01a22204-85f2-7323-8810-e9b3f7f442a6','notes','1.5.0','01101500001','draft',NULL,NULL,1795867051506,NULL,NULL,0);
CREATE TABLE packages (
    id text PRIMARY KEY,
    app text NOT NULL REFERENCES apps (slug),
    -- Null for a package on its own.
    release_id text REFERENCES releases (id),
    filename text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    arch text NOT NULL,
    -- What inspection read, JSON.
    facts text NOT NULL,
    -- Text of the .minisig; null until it is signed.
    signature text,
    created_at bigint NOT NULL, blocks text,
    UNIQUE (release_id, filename)
);
INSERT INTO "packages" VALUES('01a22204-831e-75f4-bd46-d2aa3ccc589f','notes','01a22204-837b-726e-8c83-15df882d385f','notes-linux.bin','54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f',880,'other','linux','x86_64','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAZAiBzHZGf/pYxMgvaKJmQSycih71gKFyHAe5dNKsNbzf2SG2gMxyi9pZK0QELw0d5e39/7wu6MrkRWjVyTmuQw=
trusted comment: timestamp:1795867050	file:notes-linux.bin	version:1.0.0	app:notes	sha256:54daf0c0925d964b21bd5495f1bb2fb16d53df0abe7171fd4ab9cb9962ece85f
VHgWFQKFmh0PaQlhPb3pm8QibtdOaxt1UmEolUjXgqK+UuDN6U5fnvwT/aE6DyRYovA1zwPW6qzsgoXhGkUTCQ==
',1795867050876,'fdd4f0bfdadbd76c44186c1cfb6d3ac68efb91a647ba1aa4cfc4acf5a962ca3f');
INSERT INTO "packages" VALUES('01a22204-8473-7077-aa3b-adcf6ae880c8','notes','01a22204-8488-719b-83c2-34aeb8ecfaa4','notes-linux.bin','66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a',880,'other','linux','x86_64','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAR0Lw7SaWMJqy/WErTpG6qgTRyKqqITHP778tlaoE5EBDr5mLqmsuWxo8YhjXr12+6gDCt74ZYjhNKF37wiq6gA=
trusted comment: timestamp:1795867051	file:notes-linux.bin	version:1.1.0	app:notes	sha256:66b114584b038458cd1c658cd723518a7b45195a17274a6fc8a29e8048a6556a
RlHOxmTMgienkEr2IyjjdymAydxP0FtAiiWftBxa9AlOTy6MMwCIUQa+Px3AhOJSFCMde86h9WAh0mWfGQEWAA==
',1795867051144,'a7022eaa249c5e286386b250b2b6fe4a145ad5e90c733c2407489faacacd8edd');
INSERT INTO "packages" VALUES('01a22204-853e-768a-929a-12b51bcb3150','notes','01a22204-8553-73b6-a0f3-7eb7923f99f2','notes-linux.bin','a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16',960,'other','linux','x86_64','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 0167011779A5CA21
RUQhyqV5FwFnAbPmwGwBRETAnbSwuS6bX1yKeBvz6Af9dox0xLGzocP53TU1KD8L+aSKhc0YzR6kQPnAEXCHKQV/Y3zP1HbRfA0=
trusted comment: timestamp:1795867051	file:notes-linux.bin	version:1.2.0+7	app:notes	sha256:a477f16d5516e2c548f693f98b3976fc401fe329290e07fc20e7c32548f94e16
d3f8H2kPBbF1U1h4WMs/zIviDN0plF4MlTCyKv2A4LMcfs4nBplDFLXhVuM+Albrip5BbGsZbFMQmaUrSOVbCA==
',1795867051349,'f5f590712157c1cf7ee736d4ac41804598e2857f215e829177fed7ff2dc351c1');
INSERT INTO "packages" VALUES('01a22204-85e3-72eb-9df3-614406bc919a','notes','01a22204-85f2-7323-8810-e9b3f7f442a6','notes-linux.bin','a5e313f0709c1391f84952bbff95ffc65f559130bf61c16bef2d971c8d925e04',880,'other','linux','universal','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}',NULL,1795867051507,'69d4497fe401018a994ccd8a744586fbf1b08b07bd9ad5e492d7bc626d7b4681');
CREATE TABLE release_channels (
    app text NOT NULL,
    channel text NOT NULL,
    release_id text NOT NULL REFERENCES releases (id),
    added_at bigint NOT NULL,
    PRIMARY KEY (app, channel, release_id)
);
INSERT INTO "release_channels" VALUES('notes','stable','01a22204-837b-726e-8c83-15df882d385f',1795867050878);
INSERT INTO "release_channels" VALUES('notes','stable','01a22204-8488-719b-83c2-34aeb8ecfaa4',1795867051147);
INSERT INTO "release_channels" VALUES('notes','beta','01a22204-8553-73b6-a0f3-7eb7923f99f2',1795867051349);
CREATE TABLE replaced (
    epoch text NOT NULL,
    replaced text NOT NULL,
    PRIMARY KEY (epoch, replaced)
);
CREATE TABLE slipway_database (id text PRIMARY KEY);
INSERT INTO "slipway_database" VALUES('01a22204-7fc0-7155-9323-7528ae1cc480');
CREATE TABLE starts (
    number bigint PRIMARY KEY,
    id text NOT NULL UNIQUE,
    head bigint NOT NULL
);
INSERT INTO "starts" VALUES(1,'01a22204-8013-72ff-a0a8-ebd6475bb5c3',0);
CREATE TABLE tokens (
    id text PRIMARY KEY,
    -- SHA-256 of the token's text in hex; the text is nowhere.
    hash text NOT NULL UNIQUE,
    name text NOT NULL,
    -- JSON array.
    scopes text NOT NULL,
    app text,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    seq bigint NOT NULL
);
INSERT INTO "tokens" VALUES('01a22204-8035-7030-9b42-d4eaa8b029c0','b99a415eecc8926fff64f58f8e37cef5b6e1cb5f3be3c1eab7b0c0f1c07bf2ba','administrator','["admin"]',NULL,1795867050035,NULL,NULL,1);
INSERT INTO "tokens" VALUES('01a22204-8274-77e0-8270-e786ddf0f14b','39be00deab25def0705ea24d7522b623b546744fd7f4ce9477027a7e3c0bf3c3','publisher','["read","upload","release"]','notes',1795867050612,NULL,NULL,6);
INSERT INTO "tokens" VALUES('01a22204-8283-7314-8005-ec143557057e','58cb4303bcee3292f9c082441513cbfe9a4b336edea30e6c290e23418eb58a7d','revoked','["upload"]',NULL,1795867050627,NULL,1795867050650,8);
CREATE TABLE wishes (
    package_id text NOT NULL,
    channel text NOT NULL,
    wish text NOT NULL,
    PRIMARY KEY (package_id, channel)
);
INSERT INTO "wishes" VALUES('01a22204-831e-75f4-bd46-d2aa3ccc589f','stable','01a22204-8331-71a4-b57d-15aacc7c54d3');
INSERT INTO "wishes" VALUES('01a22204-8473-7077-aa3b-adcf6ae880c8','stable','01a22204-847f-7342-9efe-6c3c5bd5e40f');
INSERT INTO "wishes" VALUES('01a22204-853e-768a-929a-12b51bcb3150','beta','01a22204-854c-75b2-b486-a83b39061e49');
CREATE INDEX apps_seq ON apps (seq);
CREATE INDEX tokens_seq ON tokens (seq);
CREATE INDEX releases_seq ON releases (seq);
CREATE INDEX release_channels_release ON release_channels (release_id);
CREATE INDEX jobs_due ON jobs (next_at);
CREATE INDEX packages_sha256 ON packages (sha256);
