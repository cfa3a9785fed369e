"""A relay between a client and the gateway that counts what the client sends."""

import contextlib
import selectors
import socket
import threading


class Relay:
    """Listens on a loopback port, passes everything on to `target`, and counts the bytes from client to server."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.sent = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection(self.target) as server:
            self.pass_on(client, server)

    def pass_on(self, client, server):
        """Both ways until either side ends, as it does when its process is killed."""
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    piece = key.fileobj.recv(1024 * 1024)
                    if not piece:
                        return
                    key.data.sendall(piece)
                    if key.fileobj is client:
                        with self.lock:
                            self.sent += len(piece)

    def close(self):
        self.listener.close()
