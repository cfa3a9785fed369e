CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'upload','2026-11-27 12:07:40',true,X'B03840461F0030C1229B8CE9DF35738E31526C6B959E5CA696EEAA53DA20D343EC2553B1DF973861EC2E48E8C69225BB',6509049);
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
);
INSERT INTO "copy_position" VALUES(1,'01a21ce7-76a9-7204-bcc1-d1238f988fef',29,1);
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
INSERT INTO "copy_releases" VALUES('notes','0110000001','1.0.0','{"notes-linux.bin":"79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502"}',1,18);
INSERT INTO "copy_releases" VALUES('notes','01101100001','1.1.0','{"notes-linux.bin":"fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe"}',1,11);
INSERT INTO "copy_releases" VALUES('notes','01101200001','1.2.0','{"notes.apk":"14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360"}',1,14);
INSERT INTO "copy_releases" VALUES('tools','0001900001','0.9','{"tools.bin":"3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b"}',1,17);
INSERT INTO "copy_releases" VALUES('notes','01101300001','1.3.0','{"notes-linux.bin":"fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3"}',1,22);
INSERT INTO "copy_releases" VALUES('notes','01101400001','1.4.0','{"notes-linux.bin":"88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07"}',0,24);
CREATE TABLE copy_tokens (
    -- SHA-256 of the token's text in hex.
    hash text PRIMARY KEY,
    -- What it permits, JSON.
    permits text NOT NULL,
    seq bigint NOT NULL
);
INSERT INTO "copy_tokens" VALUES('29cdb4053582da4c46f9248935ff4af4e5a8604042e0bea4d4ef189239ecd41e','{"id":"01a21ce7-76a9-7204-bcc1-d124adb225bb","name":"administrator","scopes":["admin"],"app":null,"expires_at":null,"revoked_at":null}',1);
INSERT INTO "copy_tokens" VALUES('8943570664ff2f512a60d107d1150300be2121f511471a0370cb42caa22c2cdb','{"id":"01a21ce7-819c-7697-8795-d92e4b9bcd60","name":"publisher","scopes":["read","upload","release"],"app":"notes","expires_at":null,"revoked_at":null}',25);
INSERT INTO "copy_tokens" VALUES('b5812566a21f9b634212e6ab7c4c5782653d7b9aed69640067b056adb2cfc007','{"id":"01a21ce7-81f6-77c0-889d-e0fa73cca662","name":"reader","scopes":["read"],"app":null,"expires_at":null,"revoked_at":null}',26);
INSERT INTO "copy_tokens" VALUES('7f668b0e9f746ecb2c721ff664af025514c2651fb394c710afba6c5f392e4d17','{"id":"01a21ce7-821e-740d-8f45-8699338343fb","name":"revoked","scopes":["upload","release"],"app":null,"expires_at":null,"revoked_at":1795781263968}',29);
INSERT INTO "copy_tokens" VALUES('ae3b79e222d21523314e3df3848ad75faaef4a470fa516b84f28597a694f419d','{"id":"01a21ce7-8244-75a1-b894-435f192b1d4a","name":"expired","scopes":["upload","release"],"app":null,"expires_at":1795781264940,"revoked_at":null}',28);
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
);
INSERT INTO "packages" VALUES('01a21ce7-7919-728a-8990-93f5d5d5c629','notes','notes-linux.bin','1.0.0','0110000001','79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502',8206,'other','linux','x86_64','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a21ce7-7919-728a-8990-93f5d5d5c629',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-790c-7643-8563-9c26726542df',1795781261593);
INSERT INTO "packages" VALUES('01a21ce7-7a05-7058-a3ef-844ee859f0b1','notes','notes-linux.bin','1.1.0','01101100001','fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe',8206,'other','linux','x86_64','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a21ce7-7a05-7058-a3ef-844ee859f0b1',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-79ef-729b-a549-912d22fe26f2',1795781261829);
INSERT INTO "packages" VALUES('01a21ce7-7b13-767f-b5a9-39389c6cfb1a','notes','notes.apk','1.2.0','01101200001','14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360',1511,'apk','android','universal','{"kind":"apk","platform":"android","arch":"universal","identifier":"org.example.notes","version":"1.2.0","version_code":7,"label":"Notes","icon":{"media_type":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVQI12NoAAAAggCB3UNq9AAAAABJRU5ErkJggg=="},"min_sdk":21,"target_sdk":33,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["the APK is not signed: Android does not install it"]}','delivered','01a21ce7-7b13-767f-b5a9-39389c6cfb1a',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-7b08-71aa-a407-d1af9bae96ea',1795781262099);
INSERT INTO "packages" VALUES('01a21ce7-7d3a-70ff-9a83-3e482f6ec4d9','tools','tools.bin','0.9','0001900001','3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b',8206,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a21ce7-7d3a-70ff-9a83-3e482f6ec4d9',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-7ccd-7379-9698-211fed4f1d59',1795781262650);
INSERT INTO "packages" VALUES('01a21ce7-7fe6-7247-9ace-809d0ed7088d','notes','notes-linux.bin','1.3.0','01101300001','fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3',8206,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a21ce7-7fe6-7247-9ace-809d0ed7088d',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-7fc7-70e5-97d6-5bdec7f7a9d1',1795781263334);
INSERT INTO "packages" VALUES('01a21ce7-80fa-776a-836b-af32c0780845','notes','notes-linux.bin','1.5.0','01101500001','6f745d066665b518909ee250510eea24bb1b5065fe41cef436650874616d6e6e',8206,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a21ce7-80fa-776a-836b-af32c0780845',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-80f5-77fc-9ab3-b8396f4faceb',1795781263610);
INSERT INTO "packages" VALUES('01a21ce7-814a-756c-b383-383d34f81825','notes','notes-linux.bin','1.4.0','01101400001','88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07',8206,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','delivered','01a21ce7-814a-756c-b383-383d34f81825',NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-813f-7149-b873-a73ceafc51cb',1795781263690);
INSERT INTO "packages" VALUES('01a21ce7-8761-72dd-9d32-ad3659d9448e','tools','tools.bin','1.0','0110000001','5398125a30a63cf11f154ce620e7295afc5e97139de5f84aacb96b79fa5bf1c6',8206,'other','linux','universal','{"kind":"other","platform":null,"arch":null,"identifier":null,"version":null,"version_code":null,"label":null,"icon":null,"min_sdk":null,"target_sdk":null,"abis":[],"signer_sha256":null,"signer_verified":false,"warnings":["this is no kind of package that is known here; it is served as it is"]}','stored',NULL,NULL,NULL,NULL,'01a21ce7-76a9-7204-bcc1-d124adb225bb','administrator','01a21ce7-874c-77a8-a21f-afcd03fde0e5',1795781265249);
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
INSERT INTO "outbox" VALUES('01a21ce7-8761-72dd-9d32-ad3659d9448e/next','01a21ce7-8761-72dd-9d32-ad3659d9448e','next','01a21ce7-87cc-7208-8100-28c1b0733740',2,1795781269568,'01a21ce7-98e1-774c-9de0-b300e7ba56b5',1795781274729,1795781269468,'the catalog does not answer; the package is safe and is handed over by itself',1795781265355);
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
INSERT INTO "sessions" VALUES('01a21ce7-868e-7181-9361-166a4da36632','notes','filename bm90ZXMtbGludXguYmlu,version MS42LjA=,channel bmV4dA==,platform bGludXg=',8206,4103,NULL,'01a21ce7-86d9-7526-9796-7d8181fd8d49',NULL,'01a21ce7-819c-7697-8795-d92e4b9bcd60','publisher','01a21ce7-868d-75d0-a011-725c76d312a3',1795781265038,4949381265134);
CREATE UNIQUE INDEX packages_taken ON packages (app, version_key, filename) WHERE state <> 'refused';
CREATE INDEX outbox_due ON outbox (next_at);
CREATE INDEX outbox_package ON outbox (package_id);
CREATE INDEX sessions_app ON sessions (app);
CREATE INDEX sessions_expires ON sessions (expires_at);
