CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum bytea NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'signing','2026-11-27 12:07:40',true,X'F9846A061CB37D3873697783C7E4B6275BB13346AAD84DC3C9FC310FB564ECAC582F36B14F3C07D183879A435EB9C393',3165197);
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
INSERT INTO "keys" VALUES('894C8C1DDA3CBE7D','release','minisign','notes',X'D8DF8D05835D91724348B618ACF9A76CEE98F4101B7F35B267F46F94D8309C95A281FB4D4DF499374D84EFB2CFB31870171D93E64ADFAC782F5847EB2B31BD3F720AE82C755FD142','untrusted comment: minisign public key 894C8C1DDA3CBE7D
RWR9vjzaHYxMif7eeLTTFq9JV7NzKaQZpvRSBYS+jvt8PX0qrGpu00vO
',1795781261511);
INSERT INTO "keys" VALUES('98F4C9B667AA4BB7','release','minisign','tools',X'CB277A796217D91570D1763E31F819BD38CA0C27A75C4DB40314B00BA279B7BC6AD8914B28D268E67353A0B1B9271ED5174DCC689143AF38DCA2CEA8A4CA57A051DD39D0039373FC','untrusted comment: minisign public key 98F4C9B667AA4BB7
RWS3S6pntsn0mPqFaWDmBH1LK1h9YWFKgJCEfu7kdO7EWQt2otFJu8t7
',1795781261534);
CREATE TABLE sealing (
    id bigint PRIMARY KEY,
    proof bytea NOT NULL
);
INSERT INTO "sealing" VALUES(1,X'5FA4810ED933B5D8B7AEF0EFFE9A9618AB2244DFA182FED79F2A019FBF0890D4CECF207F090FC94DB41914F96709BD08E6342ED3076FCF000064231AFD8CDE91E61E80D78F080268');
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
INSERT INTO "statements" VALUES('notes','1.0.0','0110000001','notes-linux.bin','79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502',8206,'894C8C1DDA3CBE7D',1795781261642,'untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMicHxOimn+tXMCt1DyA0JhaG4F0/olvduqaJXDFeAqXtW+2yWGFE5rvHZqrdZRcW8O1CM1F3QFVQyzbzZjWGXngg=
trusted comment: timestamp:1795781261	file:notes-linux.bin	version:1.0.0	app:notes	sha256:79fab3746c0bf2c2b51fab6c440461b45a5ed7cbfaa85e8c1cabef4663efd502
KfIDrH7Tovfv4BrOe4Z8kCr4/W4uCJbrWNtG0p6MHrnB4lcE0PA0dmCV8LrGowXehPOihZ96T+KlGIBzj+CRAg==
');
INSERT INTO "statements" VALUES('notes','1.1.0','01101100001','notes-linux.bin','fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe',8206,'894C8C1DDA3CBE7D',1795781261888,'untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMibbEdgTkRg8TvEJNoptHzX2kpscClxWYaHDAM2AmXLcv9P1DkCV+G3CfrlZxRZeI955UzLju3YuGJs98EzfdFwE=
trusted comment: timestamp:1795781261	file:notes-linux.bin	version:1.1.0	app:notes	sha256:fda8b14f8365d9cb3216464ade98b7785abed062687742d0178354ce473e22fe
qx4Psk4F1vtAdx+qoVmvsV7/7Yj6p4j+t5F/os9n4dUofWd4WJ0uNINIe6MVFQNcUUXFQl7f11G/JNFU8hDAAQ==
');
INSERT INTO "statements" VALUES('notes','1.2.0','01101200001','notes.apk','14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360',1511,'894C8C1DDA3CBE7D',1795781262258,'untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMiVLCZ9hIDG64YYs6iDUdekmleWJP0qeKlaJ65Xl/hHsBdQINFI1uOIA3EcAIQgKNML9w4a9oNCCJ2CpZb1IrDAY=
trusted comment: timestamp:1795781262	file:notes.apk	version:1.2.0	app:notes	sha256:14cc3cc9bd5a8b867babeb2bf58a4cba57aaf34f93850d691035702476cf3360
xeI8o0V/hO3rVCxjmMkMn2cXVN/J+SE0QrIcvUzaJwRdMC1MUYN8Q/DsdQ4NmKsC69PEppvcVIuZDDEIAYH9DA==
');
INSERT INTO "statements" VALUES('tools','0.9','0001900001','tools.bin','3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b',8206,'98F4C9B667AA4BB7',1795781262787,'untrusted comment: signature of minisign key 98F4C9B667AA4BB7
RUS3S6pntsn0mIyhDQrN8zdTKKV5yCha1Ty9qXnv/HuiSbuaDb9zT9aKlYd4o/+1TTWW4UAv0RAt83b21TAaZ4FzGmWC8mMLqw0=
trusted comment: timestamp:1795781262	file:tools.bin	version:0.9	app:tools	sha256:3e87cde02a341da7133bdb8a3e5dbb77a02db05e49358974ec7dfb8b5b97221b
OWTDuidigmUk6JrB54awbhlAPwRtv/GjGCaIqXZb3ahvOLIKvAFPVOK3F6+j3keAqKO1eSuL/oUBNiMEh//vAQ==
');
INSERT INTO "statements" VALUES('notes','1.3.0','01101300001','notes-linux.bin','fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3',8206,'894C8C1DDA3CBE7D',1795781263574,'untrusted comment: signature of minisign key 894C8C1DDA3CBE7D
RUR9vjzaHYxMidR3ULXA+vTuImN9vLsxlrM5/takc/GiKA9d8dgrea7fJn2CLMVXG7QOr4jIZR95Rsw3d2iR3NsLhZptuhy2EAU=
trusted comment: timestamp:1795781263	file:notes-linux.bin	version:1.3.0	app:notes	sha256:fe5a7b5714a1016b771f9adca72bd201cdaf2f019d5f31b24b00c0e7023e9ed3
9ce1gLVzrqOJSc96IZRmGo4Jt8QHjfLD749Klz4/GAhR9bRhbCpjmlxatyg/Fmsin5+kQCRqexgolsj5pei8BQ==
');
INSERT INTO "statements" VALUES('notes','1.4.0','01101400001','notes-linux.bin','88f79af9063761440632219898472b29eabb422a29ac2933cac7c10612fdbe07',8206,'894C8C1DDA3CBE7D',1795781263735,NULL);
