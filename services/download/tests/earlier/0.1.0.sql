CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'download','2026-11-27 12:07:40',true,X'8D0BC247385F18A8298D73FE9F06374933DD567B83D11EFDA83DA152BF3F874AFB3B51DE2F0D54C5AE2E420D64704355',5831444);
CREATE TABLE apps (
    slug text PRIMARY KEY,
    name text NOT NULL,
    -- The text of minisign.pub; null until the signing service has made the key.
    public_key text,
    seq bigint NOT NULL
);
INSERT INTO "apps" VALUES('notes','Notes & Größe','untrusted comment: minisign public key 894C8C1DDA3CBE7D
RWR9vjzaHYxMif7eeLTTFq9JV7NzKaQZpvRSBYS+jvt8PX0qrGpu00vO
',3);
INSERT INTO "apps" VALUES('tools','Tools','untrusted comment: minisign public key 98F4C9B667AA4BB7
RWS3S6pntsn0mPqFaWDmBH1LK1h9YWFKgJCEfu7kdO7EWQt2otFJu8t7
',5);
CREATE TABLE channels (
    app text NOT NULL,
    channel text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (app, channel, version)
);
INSERT INTO "channels" VALUES('notes','stable','1.1.0');
INSERT INTO "channels" VALUES('notes','beta','1.2.0');
INSERT INTO "channels" VALUES('tools','stable','0.9');
INSERT INTO "channels" VALUES('notes','lts','1.0.0');
INSERT INTO "channels" VALUES('notes','stable','1.0.0');
INSERT INTO "channels" VALUES('notes','stable','1.3.0');
INSERT INTO "channels" VALUES('notes','next','1.4.0');
CREATE TABLE downloads (
    app text NOT NULL,
    version text NOT NULL,
    filename text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (app, version, filename)
);
INSERT INTO "downloads" VALUES('notes','1.0.0','notes-linux.bin',1);
INSERT INTO "downloads" VALUES('notes','1.1.0','notes-linux.bin',1);
INSERT INTO "downloads" VALUES('notes','1.2.0','notes.apk',1);
INSERT INTO "downloads" VALUES('tools','0.9','tools.bin',1);
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
INSERT INTO "icons" VALUES('notes','1.2.0','image/png',X'89504E470D0A1A0A0000000D49484452000000010000000108000000003A7E9B550000000A4944415408D76368000000820081DD436AF40000000049454E44AE426082','14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360');
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
    facts text NOT NULL,
    PRIMARY KEY (app, version, filename)
);
INSERT INTO "packages" VALUES('notes','1.1.0','notes-linux.bin','fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe',8206,'other','linux','x86_64','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMibbEdgTkRg8TvEJNoptHzX2kpscClxWYaHDAM2AmXLcv9P1DkCV+G3CfrlZxRZeI955UzLju3YuGJs98EzfdFwE=
trusted comment: timestamp:1795781261	file:notes-linux.bin	version:1.1.0	app:notes	sha256:fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe
qx4Psk4F1vtAdx+qoVmvsV7/7Yj6p4j+t5F/os9n4dUofWd4WJ0uNINIe6MVFQNcUUXFQl7f11G/JNFU8hDAAQ==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}');
INSERT INTO "packages" VALUES('notes','1.2.0','notes.apk','14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360',1511,'apk','android','universal','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMiVLCZ9hIDG64YYs6iDUdekmleWJP0qeKlaJ65Xl/hHsBdQINFI1uOIA3EcAIQgKNML9w4a9oNCCJ2CpZb1IrDAY=
trusted comment: timestamp:1795781262	file:notes.apk	version:1.2.0	app:notes	sha256:14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360
xeI8o0V/hO3rVCxjmMkMn2cXVN/J+SE0QrIcvUzaJwRdMC1MUYN8Q/DsdQ4NmKsC69PEppvcVIuZDDEIAYH9DA==
','{"abis":[],"arch":"universal","identifier":"org.example.notes","kind":"apk","label":"Notes","min_sdk":21,"platform":"android","signer_sha256":null,"signer_verified":false,"target_sdk":33,"version":"1.2.0","version_code":7,"warnings":["the APK is not signed: Android does not install it"]}');
INSERT INTO "packages" VALUES('tools','0.9','tools.bin','3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b',8206,'other','linux','universal','untrusted comment: signature of minisign key 98F4C9B667AA4BB7
RUS3S6pntsn0mIyhDQrN8zdTKKV5yCha1Ty9qXnv/HuiSbuaDb9zT9aKlYd4o/+1TTWW4UAv0RAt83b21TAaZ4FzGmWC8mMLqw0=
trusted comment: timestamp:1795781262	file:tools.bin	version:0.9	app:tools	sha256:3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b
OWTDuidigmUk6JrB54awbhlAPwRtv/GjGCaIqXZb3ahvOLIKvAFPVOK3F6+j3keAqKO1eSuL/oUBNiMEh//vAQ==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}');
INSERT INTO "packages" VALUES('notes','1.0.0','notes-linux.bin','79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502',8206,'other','linux','x86_64','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMicHxOimn+tXMCt1DyA0JhaG4F0/olvduqaJXDFeAqXtW+2yWGFE5rvHZqrdZRcW8O1CM1F3QFVQyzbzZjWGXngg=
trusted comment: timestamp:1795781261	file:notes-linux.bin	version:1.0.0	app:notes	sha256:79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502
KfIDrH7Tovfv4BrOe4Z8kCr4/W4uCJbrWNtG0p6MHrnB4lcE0PA0dmCV8LrGowXehPOihZ96T+KlGIBzj+CRAg==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}');
INSERT INTO "packages" VALUES('notes','1.3.0','notes-linux.bin','fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3',8206,'other','linux','universal','untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMidR3ULXA+vTuImN9vLsxlrM5/takc/GiKA9d8dgrea7fJn2CLMVXG7QOr4jIZR95Rsw3d2iR3NsLhZptuhy2EAU=
trusted comment: timestamp:1795781263	file:notes-linux.bin	version:1.3.0	app:notes	sha256:fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3
9ce1gLVzrqOJSc96IZRmGo4Jt8QHjfLD749Klz4/GAhR9bRhbCpjmlxatyg/Fmsin5+kQCRqexgolsj5pei8BQ==
','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}');
INSERT INTO "packages" VALUES('notes','1.4.0','notes-linux.bin','88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07',8206,'other','linux','universal','','{"abis":[],"arch":null,"identifier":null,"kind":"other","label":null,"min_sdk":null,"platform":null,"signer_sha256":null,"signer_verified":false,"target_sdk":null,"version":null,"version_code":null,"warnings":["this is no kind of package that is known here; it is served as it is"]}');
CREATE TABLE position (
    id bigint PRIMARY KEY,
    -- Of the catalog's database; empty while there is no copy.
    epoch text NOT NULL,
    applied bigint NOT NULL,
    -- The number from which on nothing is missing: at first the copy grows page by page.
    whole_at bigint NOT NULL
);
INSERT INTO "position" VALUES(1,'01a21ce7-76a9-7204-bcc1-d1238f988fef',29,1);
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
INSERT INTO "releases" VALUES('notes','1.0.0','0110000001','published',NULL,1795781261770,NULL,18);
INSERT INTO "releases" VALUES('notes','1.1.0','01101100001','published',NULL,1795781261921,NULL,11);
INSERT INTO "releases" VALUES('notes','1.2.0','01101200001','published',NULL,1795781262431,NULL,14);
INSERT INTO "releases" VALUES('tools','0.9','0001900001','published',NULL,1795781263213,NULL,17);
INSERT INTO "releases" VALUES('notes','1.3.0','01101300001','yanked',NULL,1795781263589,'loses notes',22);
INSERT INTO "releases" VALUES('notes','1.4.0','01101400001','hidden',NULL,NULL,'notes-linux.bin was not signed: the store has other bytes than those with the SHA-256 88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07 that were uploaded (theirs is 89158b08107401a2d897227f16ab14369803b3d5aefa1616b9ac1a491041baf1): restore the store, then retry the release, or upload the package under a new version',24);
CREATE INDEX releases_order ON releases (app, version_key);
