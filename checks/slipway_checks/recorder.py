"""Stands between services, as each of them in turn, and notes what they ask each other and what is answered."""

import contextlib
import json
import re
import socket
import threading

from . import internal

# Of these, what is asked and answered once is the same each time.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Recorder:
    """`places` is {service: (where others look for it, where it listens)}. Whoever is let in has proven who it is, and the
    call goes on by its certificate."""

    def __init__(self, data, places):
        self.data = data
        self.connections = []
        for service, (told, listens) in places.items():
            listener = socket.create_server(split(told))
            threading.Thread(target=self.listen, args=(service, listener, split(listens)), daemon=True).start()

    def begin(self):
        """Forgets what was."""
        self.connections.clear()

    def listen(self, service, listener, listens):
        while True:
            accepted, _ = listener.accept()
            threading.Thread(target=self.carry, args=(service, accepted, listens), daemon=True).start()

    def carry(self, service, accepted, listens):
        # The secrets are made after this listens; whoever is not there is not reached.
        with contextlib.suppress(OSError):
            proof = internal.context(self.data / "secrets" / service)
            server = type(proof)(internal.ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(self.data / "secrets" / service / "certificate.pem", self.data / "secrets" / service / "key.pem")
            server.load_verify_locations(self.data / "secrets" / service / "authorities.pem")
            server.verify_mode = internal.ssl.CERT_REQUIRED
            inner = server.wrap_socket(accepted, server_side=True)
            caller = dict(inner.getpeercert()["subjectAltName"])["DNS"]
            outer = internal.context(self.data / "secrets" / caller).wrap_socket(socket.create_connection(listens), server_hostname=service)
            connection = {"caller": caller, "service": service, "asked": bytearray(), "answered": bytearray()}
            self.connections.append(connection)
            threading.Thread(target=pump, args=(outer, inner, connection["answered"]), daemon=True).start()
            pump(inner, outer, connection["asked"])

    def told(self, service):
        """Each call inside the platform once for each caller, address and status."""
        found = {}
        for connection in list(self.connections):
            if connection["service"] == service:
                for call in zip(messages(bytes(connection["asked"])), messages(bytes(connection["answered"])), strict=False):
                    noted = note(connection["caller"], *call)
                    if noted and noted["status"] < 300:
                        key = (noted["caller"], noted["method"], ID.sub("*", noted["path"].partition("?")[0]), kind(noted))
                        found.setdefault(key, noted)
        return [found[key] for key in sorted(found)]

    def write(self, service, path):
        path.write_text(json.dumps(self.told(service), indent=1, ensure_ascii=False) + "\n")


def split(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def pump(source, sink, kept):
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            kept += part
            sink.sendall(part)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.close()


def messages(text):
    """The whole messages of one direction: first line, headers, body."""
    while b"\r\n\r\n" in text:
        head, _, text = text.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while (size := int(text.partition(b"\r\n")[0] or b"0", 16)) and text:
                start = text.index(b"\r\n") + 2
                body, text = body + text[start : start + size], text[start + size + 2 :]
            text = text.partition(b"\r\n\r\n")[2]
        else:
            size = int(headers.get("content-length", "0"))
            body, text = text[:size], text[size:]
        yield first, headers, body


def note(caller, asked, answered):
    """What a test needs to ask it again; nothing of what is outside `/internal/`."""
    method, path, _ = asked[0].split(" ")
    if not path.startswith("/internal/") or caller == "registry":
        return None
    return {
        "caller": caller, "method": method, "path": path, "type": asked[1].get("content-type"), "body": document(asked[2]),
        "status": int(answered[0].split(" ")[1]), "answer": document(answered[2]),
    }


def document(body):
    try:
        return json.loads(body) if body else None
    except ValueError:
        return f"{len(body)} bytes"


def kind(noted):
    """What one package says is not what another says, and so with the rows of the feed."""
    body, answer = noted["body"] or {}, noted["answer"] if isinstance(noted["answer"], dict) else {}
    return str(body.get("sha256")), str(sorted({row.get("type") for row in answer.get("changes", [])}, key=str))
