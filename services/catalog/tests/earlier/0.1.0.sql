CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'catalog','2026-11-27 12:07:40',true,X'6F278A3454AE4CD2991AE5B514071DA6931A40A2021EDD8203D88610811542D01A0189A267AEFAEBBFD59B139FBC3911',6567445);
CREATE TABLE apps (
    slug text PRIMARY KEY,
    name text NOT NULL,
    -- Of the app's minisign key; null until the signing service has made it.
    key_id text,
    public_key text,
    created_at bigint NOT NULL,
    seq bigint NOT NULL
);
INSERT INTO "apps" VALUES('notes','Notes & Größe','894C8C1DDA3CBE7D','untrusted comment: minisign public key 894C8C1DDA3CBE7D
RWR9vjzaHYxMif7eeLTTFq9JV7NzKaQZpvRSBYS+jvt8PX0qrGpu00vO
',1795781261494,3);
INSERT INTO "apps" VALUES('tools','Tools','98F4C9B667AA4BB7','untrusted comment: minisign public key 98F4C9B667AA4BB7
RWS3S6pntsn0mPqFaWDmBH1LK1h9YWFKgJCEfu7kdO7EWQt2otFJu8t7
',1795781261531,5);
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
INSERT INTO "audit" VALUES('01a21ce7-78b6-7128-b474-b67ff7a24a9b',1795781261494,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','app.create','notes','notes','01a21ce7-78b4-714c-8a05-8a5274ba9f6a');
INSERT INTO "audit" VALUES('01a21ce7-78db-7178-920f-46207c6548ab',1795781261531,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','app.create','tools','tools','01a21ce7-78da-7138-9279-9ab4a454e030');
INSERT INTO "audit" VALUES('01a21ce7-793c-7287-987a-64a01fd9bdf2',1795781261628,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','notes','01a21ce7-7919-728a-8990-93f5d5d5c629','01a21ce7-790c-7643-8563-9c26726542df');
INSERT INTO "audit" VALUES('01a21ce7-793c-7287-987a-64a18ca015ea',1795781261628,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.publish','notes','1.0.0','01a21ce7-790c-7643-8563-9c26726542df');
INSERT INTO "audit" VALUES('01a21ce7-7a2b-70b0-a615-c267d2e62312',1795781261867,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','notes','01a21ce7-7a05-7058-a3ef-844ee859f0b1','01a21ce7-79ef-729b-a549-912d22fe26f2');
INSERT INTO "audit" VALUES('01a21ce7-7a2b-70b0-a615-c268c0c430f7',1795781261867,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.publish','notes','1.1.0','01a21ce7-79ef-729b-a549-912d22fe26f2');
INSERT INTO "audit" VALUES('01a21ce7-7b54-7543-9736-9e15e7f53a2a',1795781262164,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','notes','01a21ce7-7b13-767f-b5a9-39389c6cfb1a','01a21ce7-7b08-71aa-a407-d1af9bae96ea');
INSERT INTO "audit" VALUES('01a21ce7-7b59-7749-8e60-c92fdc067ccf',1795781262169,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.publish','notes','1.2.0','01a21ce7-7b08-71aa-a407-d1af9bae96ea');
INSERT INTO "audit" VALUES('01a21ce7-7d97-7765-9336-aff1fd907d1d',1795781262743,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','tools','01a21ce7-7d3a-70ff-9a83-3e482f6ec4d9','01a21ce7-7ccd-7379-9698-211fed4f1d59');
INSERT INTO "audit" VALUES('01a21ce7-7daf-7317-9d21-e70cf384b13a',1795781262767,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.publish','tools','0.9','01a21ce7-7ccd-7379-9698-211fed4f1d59');
INSERT INTO "audit" VALUES('01a21ce7-7f99-72e2-848d-9f62c31a2ff4',1795781263257,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','channel.promote','notes','1.0.0 lts','01a21ce7-7f99-72cf-bd1d-9a51e7fa4d9d');
INSERT INTO "audit" VALUES('01a21ce7-80ca-7413-9ba0-71bf8e7a4215',1795781263562,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','notes','01a21ce7-7fe6-7247-9ace-809d0ed7088d','01a21ce7-7fc7-70e5-97d6-5bdec7f7a9d1');
INSERT INTO "audit" VALUES('01a21ce7-80ca-7413-9ba0-71c0fe3c73fd',1795781263562,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.publish','notes','1.3.0','01a21ce7-7fc7-70e5-97d6-5bdec7f7a9d1');
INSERT INTO "audit" VALUES('01a21ce7-80ef-7183-a5e8-62621cff321d',1795781263599,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.yank','notes','1.3.0','01a21ce7-80ee-73d8-98ea-ec1f4ae89381');
INSERT INTO "audit" VALUES('01a21ce7-80ff-7560-b74f-68c0a3f81dd1',1795781263615,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','notes','01a21ce7-80fa-776a-836b-af32c0780845','01a21ce7-80f5-77fc-9ab3-b8396f4faceb');
INSERT INTO "audit" VALUES('01a21ce7-8163-7663-b111-9e2e17c19e76',1795781263715,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','package.upload','notes','01a21ce7-814a-756c-b383-383d34f81825','01a21ce7-813f-7149-b873-a73ceafc51cb');
INSERT INTO "audit" VALUES('01a21ce7-816b-76ea-8ebb-e0e1c0747397',1795781263723,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','release.publish','notes','1.4.0','01a21ce7-816a-736e-a7e4-7b75237140c8');
INSERT INTO "audit" VALUES('01a21ce7-81be-77e7-b680-7bb135011ffc',1795781263806,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','token.create','notes','01a21ce7-819c-7697-8795-d92e4b9bcd60','01a21ce7-819b-739e-b82d-8b796d083140');
INSERT INTO "audit" VALUES('01a21ce7-81f6-77c0-889d-e0fb14b79b22',1795781263862,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','token.create',NULL,'01a21ce7-81f6-77c0-889d-e0fa73cca662','01a21ce7-81f5-77e1-b060-5900733d8b6e');
INSERT INTO "audit" VALUES('01a21ce7-821e-740d-8f45-869a1cb2df34',1795781263902,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','token.create',NULL,'01a21ce7-821e-740d-8f45-8699338343fb','01a21ce7-821e-7351-bb3c-e362ba31c524');
INSERT INTO "audit" VALUES('01a21ce7-8244-75a1-b894-4360224849df',1795781263940,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','token.create',NULL,'01a21ce7-8244-75a1-b894-435f192b1d4a','01a21ce7-8243-7029-8d92-f125f26c2076');
INSERT INTO "audit" VALUES('01a21ce7-8260-712c-b1f1-167bc69872bf',1795781263968,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','token.revoke',NULL,'01a21ce7-821e-740d-8f45-8699338343fb','01a21ce7-825f-7733-95c1-8f7afb960af3');
CREATE TABLE feed (
    id bigint PRIMARY KEY,
    epoch text NOT NULL,
    head bigint NOT NULL
);
INSERT INTO "feed" VALUES(1,'01a21ce7-76a9-7204-bcc1-d1238f988fef',29);
CREATE TABLE followers (
    instance text PRIMARY KEY,
    service text NOT NULL,
    applied bigint NOT NULL,
    seen_at bigint NOT NULL
);
INSERT INTO "followers" VALUES('01a21ce7-75f2-7090-ab58-5a62370c449a','upload',29,1795781263985);
INSERT INTO "followers" VALUES('01a21ce7-7600-7709-a21e-ef1c5d8f3e4b','download',29,1795781263979);
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
INSERT INTO "releases" VALUES('01a21ce7-793c-7287-987a-649fcd232876','notes','1.0.0','0110000001','published',NULL,NULL,1795781261628,1795781261770,NULL,18);
INSERT INTO "releases" VALUES('01a21ce7-7a2b-70b0-a615-c2665a6d5462','notes','1.1.0','01101100001','published',NULL,NULL,1795781261867,1795781261921,NULL,11);
INSERT INTO "releases" VALUES('01a21ce7-7b44-7109-9a40-1dc186cba262','notes','1.2.0','01101200001','published',NULL,NULL,1795781262148,1795781262431,NULL,14);
INSERT INTO "releases" VALUES('01a21ce7-7d6d-7023-8c80-4b1aba9091cf','tools','0.9','0001900001','published',NULL,NULL,1795781262701,1795781263213,NULL,17);
INSERT INTO "releases" VALUES('01a21ce7-80ca-7413-9ba0-71bec7167883','notes','1.3.0','01101300001','yanked','loses notes',NULL,1795781263562,1795781263589,1795781263599,22);
INSERT INTO "releases" VALUES('01a21ce7-80ff-7560-b74f-68bfbc29ecd9','notes','1.5.0','01101500001','draft',NULL,NULL,1795781263615,NULL,NULL,0);
INSERT INTO "releases" VALUES('01a21ce7-8162-7706-9367-a603906cedb0','notes','1.4.0','01101400001','failed','notes-linux.bin was not signed: the store has other bytes than those with the SHA-256 88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07 that were uploaded (theirs is 89158b08107401a2d897227f16ab14369803b3d5aefa1616b9ac1a491041baf1): restore the store, then retry the release, or upload the package under a new version',NULL,1795781263714,NULL,NULL,24);
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
    created_at bigint NOT NULL,
    UNIQUE (release_id, filename)
);
INSERT INTO "packages" VALUES('01a21ce7-7919-728a-8990-93f5d5d5c629','notes','01a21ce7-793c-7287-987a-649fcd232876','notes-linux.bin','79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502',8206,'other','linux','x86_64','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMicHxOimn+tXMCt1DyA0JhaG4F0/olvduqaJXDFeAqXtW+2yWGFE5rvHZqrdZRcW8O1CM1F3QFVQyzbzZjWGXngg=
trusted comment: timestamp:1795781261	file:notes-linux.bin	version:1.0.0	app:notes	sha256:79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502
KfIDrH7Tovfv4BrOe4Z8kCr4/W4uCJbrWNtG0p6MHrnB4lcE0PA0dmCV8LrGowXehPOihZ96T+KlGIBzj+CRAg==
',1795781261628);
INSERT INTO "packages" VALUES('01a21ce7-7a05-7058-a3ef-844ee859f0b1','notes','01a21ce7-7a2b-70b0-a615-c2665a6d5462','notes-linux.bin','fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe',8206,'other','linux','x86_64','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMibbEdgTkRg8TvEJNoptHzX2kpscClxWYaHDAM2AmXLcv9P1DkCV+G3CfrlZxRZeI955UzLju3YuGJs98EzfdFwE=
trusted comment: timestamp:1795781261	file:notes-linux.bin	version:1.1.0	app:notes	sha256:fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe
qx4Psk4F1vtAdx+qoVmvsV7/7Yj6p4j+t5F/os9n4dUofWd4WJ0uNINIe6MVFQNcUUXFQl7f11G/JNFU8hDAAQ==
',1795781261867);
INSERT INTO "packages" VALUES('01a21ce7-7b13-767f-b5a9-39389c6cfb1a','notes','01a21ce7-7b44-7109-9a40-1dc186cba262','notes.apk','14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360',1511,'apk','android','universal','{"abis":[],"arch":"universal","icon":{"data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVQI12NoAAAAggCB3UNq9AAAAABJRU5ErkJggg==","media_type":"image/png"},"identifier":"org.example.notes","kind":"apk","label":"Notes","min_sdk":21,"platform":"android","signer_sha256":null,"signer_verified":false,"target_sdk":33,"version":"1.2.0","version_code":7,"warnings":["the APK is not signed: Android does not install it"]}','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMiVLCZ9hIDG64YYs6iDUdekmleWJP0qeKlaJ65Xl/hHsBdQINFI1uOIA3EcAIQgKNML9w4a9oNCCJ2CpZb1IrDAY=
trusted comment: timestamp:1795781262	file:notes.apk	version:1.2.0	app:notes	sha256:14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360
xeI8o0V/hO3rVCxjmMkMn2cXVN/J+SE0QrIcvUzaJwRdMC1MUYN8Q/DsdQ4NmKsC69PEppvcVIuZDDEIAYH9DA==
',1795781262164);
INSERT INTO "packages" VALUES('01a21ce7-7d3a-70ff-9a83-3e482f6ec4d9','tools','01a21ce7-7d6d-7023-8c80-4b1aba9091cf','tools.bin','3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b',8206,'other','linux','universal','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 98F4C9B667AA4BB7
RUS3S6pntsn0mIyhDQrN8zdTKKV5yCha1Ty9qXnv/HuiSbuaDb9zT9aKlYd4o/+1TTWW4UAv0RAt83b21TAaZ4FzGmWC8mMLqw0=
trusted comment: timestamp:1795781262	file:tools.bin	version:0.9	app:tools	sha256:3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b
OWTDuidigmUk6JrB54awbhlAPwRtv/GjGCaIqXZb3ahvOLIKvAFPVOK3F6+j3keAqKO1eSuL/oUBNiMEh//vAQ==
',1795781262722);
INSERT INTO "packages" VALUES('01a21ce7-7fe6-7247-9ace-809d0ed7088d','notes','01a21ce7-80ca-7413-9ba0-71bec7167883','notes-linux.bin','fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3',8206,'other','linux','universal','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMidR3ULXA+vTuImN9vLsxlrM5/takc/GiKA9d8dgrea7fJn2CLMVXG7QOr4jIZR95Rsw3d2iR3NsLhZptuhy2EAU=
trusted comment: timestamp:1795781263	file:notes-linux.bin	version:1.3.0	app:notes	sha256:fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3
9ce1gLVzrqOJSc96IZRmGo4Jt8QHjfLD749Klz4/GAhR9bRhbCpjmlxatyg/Fmsin5+kQCRqexgolsj5pei8BQ==
',1795781263562);
INSERT INTO "packages" VALUES('01a21ce7-80fa-776a-836b-af32c0780845','notes','01a21ce7-80ff-7560-b74f-68bfbc29ecd9','notes-linux.bin','6f745d066665b518909ee250510eea24bb1b5065fe41cef436650874616d6e6e',8206,'other','linux','universal','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}',NULL,1795781263615);
INSERT INTO "packages" VALUES('01a21ce7-814a-756c-b383-383d34f81825','notes','01a21ce7-8162-7706-9367-a603906cedb0','notes-linux.bin','88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07',8206,'other','linux','universal','{"abis":[],"arch":null,"icon":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}',NULL,1795781263715);
CREATE TABLE release_channels (
    app text NOT NULL,
    channel text NOT NULL,
    release_id text NOT NULL REFERENCES releases (id),
    added_at bigint NOT NULL,
    PRIMARY KEY (app, channel, release_id)
);
INSERT INTO "release_channels" VALUES('notes','stable','01a21ce7-793c-7287-987a-649fcd232876',1795781261628);
INSERT INTO "release_channels" VALUES('notes','stable','01a21ce7-7a2b-70b0-a615-c2665a6d5462',1795781261867);
INSERT INTO "release_channels" VALUES('notes','beta','01a21ce7-7b44-7109-9a40-1dc186cba262',1795781262166);
INSERT INTO "release_channels" VALUES('tools','stable','01a21ce7-7d6d-7023-8c80-4b1aba9091cf',1795781262751);
INSERT INTO "release_channels" VALUES('notes','lts','01a21ce7-793c-7287-987a-649fcd232876',1795781263257);
INSERT INTO "release_channels" VALUES('notes','stable','01a21ce7-80ca-7413-9ba0-71bec7167883',1795781263562);
INSERT INTO "release_channels" VALUES('notes','next','01a21ce7-8162-7706-9367-a603906cedb0',1795781263723);
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
INSERT INTO "tokens" VALUES('01a21ce7-76a9-7204-bcc1-d124adb225bb','29cdb4053582da4c46f9248935ff4af4e5a8604042e0bea4d4ef189239ecd41e','administrator','["admin"]',NULL,1795781260969,NULL,NULL,1);
INSERT INTO "tokens" VALUES('01a21ce7-819c-7697-8795-d92e4b9bcd60','8943570664ff2f512a60d107d1150300be2121f511471a0370cb42caa22c2cdb','publisher','["read","upload","release"]','notes',1795781263772,NULL,NULL,25);
INSERT INTO "tokens" VALUES('01a21ce7-81f6-77c0-889d-e0fa73cca662','b5812566a21f9b634212e6ab7c4c5782653d7b9aed69640067b056adb2cfc007','reader','["read"]',NULL,1795781263862,NULL,NULL,26);
INSERT INTO "tokens" VALUES('01a21ce7-821e-740d-8f45-8699338343fb','7f668b0e9f746ecb2c721ff664af025514c2651fb394c710afba6c5f392e4d17','revoked','["upload","release"]',NULL,1795781263902,NULL,1795781263968,29);
INSERT INTO "tokens" VALUES('01a21ce7-8244-75a1-b894-435f192b1d4a','ae3b79e222d21523314e3df3848ad75faaef4a470fa516b84f28597a694f419d','expired','["upload","release"]',NULL,1795781263940,1795781264940,NULL,28);
CREATE TABLE wishes (
    package_id text NOT NULL,
    channel text NOT NULL,
    wish text NOT NULL,
    PRIMARY KEY (package_id, channel)
);
INSERT INTO "wishes" VALUES('01a21ce7-7919-728a-8990-93f5d5d5c629','stable','01a21ce7-792e-7352-a783-7a81e69da915');
INSERT INTO "wishes" VALUES('01a21ce7-7a05-7058-a3ef-844ee859f0b1','stable','01a21ce7-7a13-7146-b5f4-e3e74f0c97f5');
INSERT INTO "wishes" VALUES('01a21ce7-7b13-767f-b5a9-39389c6cfb1a','beta','01a21ce7-7b2a-738a-9f39-26bac798217b');
INSERT INTO "wishes" VALUES('01a21ce7-7d3a-70ff-9a83-3e482f6ec4d9','stable','01a21ce7-7d52-7186-8179-3454b5a4de4f');
INSERT INTO "wishes" VALUES('01a21ce7-7fe6-7247-9ace-809d0ed7088d','stable','01a21ce7-8009-70c0-bf2b-0768993e37af');
CREATE INDEX apps_seq ON apps (seq);
CREATE INDEX tokens_seq ON tokens (seq);
CREATE INDEX releases_seq ON releases (seq);
CREATE INDEX release_channels_release ON release_channels (release_id);
CREATE INDEX jobs_due ON jobs (next_at);
