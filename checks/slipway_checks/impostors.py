"""Those who are not who they say: servers on ports that were others', relays, and certificates that prove nothing.

Each keeps every byte that it gets, because the point is what it does not get.
"""

import contextlib
import json
import socket
import ssl
import subprocess
import threading

PIECE = 64 * 1024
# A record after the first that is larger could hold something: alerts are 2 bytes, or 24 when they are encrypted.
ALERT = 64
HANDSHAKE, CLIENT_HELLO = 22, 1

# What every service might want to hear.
PLAUSIBLE = {
    **{"service": "catalog", "instance": "01890000-0000-7000-8000-000000000000", "ready": True},
    **{"epoch": "e", "revision": 10**6, "warming": False, "instances": [], "acknowledged": True},
    **{"head": 10**6, "changes": [], "mark": "00" * 32},
    **{"key_id": "0" * 16, "public_key": "untrusted comment: x\nx\n", "signature": "untrusted comment: x\nx\n"},
    **{"items": [], "next": None, "state": "published", "id": "x", "token": "slw_x"},
    "package": {"id": "x", "state": "published"},
    "release": {"state": "published", "packages": []},
}


def answer(status, document=None):
    """A whole HTTP answer."""
    body = b"" if document is None else json.dumps(document).encode()
    head = f"HTTP/1.1 {status} Fine\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Impostor:
    """Listens on `address` (any loopback port by default). Without a `context` it speaks plain HTTP and says 200, 201 and
    204 in turn; with one it speaks TLS. `reply(request, place)` makes the answer; `place` is where it was asked.

    `received` has the raw bytes of each connection; `told` what came through TLS, which for an impostor is nothing.
    """

    def __init__(self, address="127.0.0.1:0", context=None, reply=None):
        host, port = address.rsplit(":", 1)
        self.listener = socket.create_server((host, int(port)))
        self.address = f"{host}:{self.listener.getsockname()[1]}"
        self.context = context
        self.reply = reply or self.yes
        self.received, self.told, self.open = [], [], set()
        threading.Thread(target=self.accept, daemon=True).start()

    def yes(self, _request, _place):
        status = (200, 201, 204)[len(self.received) % 3]
        return answer(status, None if status == 204 else PLAUSIBLE)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        raw = bytearray()
        self.received.append(raw)
        with connection, contextlib.suppress(OSError):
            self.converse(connection, raw)
        self.open.discard(connection)

    def converse(self, connection, raw):
        if self.context:
            self.speak_tls(connection, raw)
            return
        while piece := connection.recv(PIECE):
            raw += piece
            connection.sendall(self.reply(piece, place(connection)))

    def speak_tls(self, connection, raw):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                piece = tls.read(PIECE)
                if not piece:
                    return
                self.told.append(piece)
                tls.write(self.reply(piece, place(connection)))
                connection.sendall(outgoing.read())
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                piece = connection.recv(PIECE)
                if not piece:
                    return
                raw += piece
                incoming.write(piece)

    def learned(self):
        """In words what somebody told it beyond a ClientHello; None when nothing."""
        if self.told:
            return f"{len(self.told)} pieces came through TLS: {self.told[0][:80]!r}"
        wrong = next((raw for raw in self.received if not is_hello_alone(bytes(raw))), None)
        return None if wrong is None else f"{len(wrong)} bytes that are more than a ClientHello: {bytes(wrong[:80])!r}"

    def close(self):
        with contextlib.suppress(OSError):
            # Wakes the thread that accepts, which would keep the port.
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Relay(Impostor):
    """Passes everything on to `target`. `flip` is (direction, position): one bit of that byte of each connection is
    changed on the way, up (0, to the target) or down (1)."""

    def __init__(self, target, address="127.0.0.1:0", flip=None):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.flip = flip
        super().__init__(address)

    def converse(self, connection, raw):
        with socket.create_connection(self.target) as server:
            arguments = (server, connection, None, 1)
            downwards = threading.Thread(target=self.pass_on, args=arguments, daemon=True)
            downwards.start()
            self.pass_on(connection, server, raw, 0)
            downwards.join(10)

    def pass_on(self, source, target, raw, direction):
        position = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                if self.flip and self.flip[0] == direction and 0 <= self.flip[1] - position < len(piece):
                    changed = bytearray(piece)
                    changed[self.flip[1] - position] ^= 1
                    piece = bytes(changed)
                position += len(piece)
                if raw is not None:
                    raw += piece
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def place(connection):
    host, port = connection.getsockname()[:2]
    return f"{host}:{port}"


def is_hello_alone(raw):
    """Whether `raw` is a TLS ClientHello and nothing after it but alerts."""
    first = True
    while raw:
        size = int.from_bytes(raw[3:5], "big")
        if first and not (raw[0] == HANDSHAKE and len(raw) > 5 and raw[5] == CLIENT_HELLO):
            return False
        if not first and size > ALERT:
            return False
        first, raw = False, raw[5 + size :]
    return True


def server(folder):
    """A TLS server with the certificate in `folder`, which asks nobody for one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def claiming(folder, address="127.0.0.1:0"):
    """A listener with a service's real certificate that says it is whatever instance it is asked for, wherever that is."""

    def reply(request, place):
        headers = dict(line.split(": ", 1) for line in request.decode().split("\r\n")[1:] if ": " in line)
        named = {name.lower(): value for name, value in headers.items()}
        return answer(200, {"instance": named.get("x-slipway-instance"), "addr": place, "service": folder.name})

    return Impostor(address, server(folder), reply)


# Certificates

SETTINGS = """[ca]
default_ca = any
[any]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = optional
"""
BOTH_ENDS = "serverAuth, clientAuth"


class Forger:
    """Makes certificates with `openssl`, by an authority's or anybody's key, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "settings").write_text(SETTINGS)
        (folder / "index").touch()

    def make(self, name, issuer, names, usage=BOTH_ENDS, begins="20250101000000Z", ends="20350101000000Z", chain=False):
        """A folder with key and certificate. `issuer` is the folder of the one who signs; `names` is a SAN, or None; with
        `chain` the issuer's certificate follows."""
        made = self.folder / name
        made.mkdir()
        extensions = [f"extendedKeyUsage = {usage}"] if usage else []
        extensions += [f"subjectAltName = {names}"] if names else []
        (made / "extensions").write_text("\n".join(["basicConstraints = CA:FALSE", *extensions]) + "\n")
        key, request, certificate = made / "key.pem", made / "request", made / "certificate.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"]
        self.openssl("req", "-new", *curve, "-keyout", key, "-out", request)
        signer = ["-cert", issuer / "certificate.pem", "-keyfile", issuer / "key.pem", "-rand_serial", "-notext", "-batch"]
        period = ["-startdate", begins, "-enddate", ends]
        files = ["-config", "settings", "-extfile", made / "extensions", "-in", request, "-out", certificate]
        self.openssl("ca", *files, *signer, *period)
        if chain:
            certificate.write_bytes(certificate.read_bytes() + (issuer / "certificate.pem").read_bytes())
        return made

    def make_own(self, name, names):
        """The same, signed by itself."""
        made = self.folder / name
        made.mkdir()
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-days", "9"]
        files = ["-keyout", made / "key.pem", "-out", made / "certificate.pem"]
        self.openssl("req", "-x509", *curve, *files, "-addext", f"subjectAltName = {names}")
        return made

    def openssl(self, *arguments):
        command = ["openssl", *[str(argument) for argument in arguments]]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, timeout=60)
