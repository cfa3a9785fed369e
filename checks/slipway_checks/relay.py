"""A relay between a client and the gateway that counts what the client sends."""

import contextlib
import selectors
import socket
import threading
import time

PIECE = 64 * 1024
# Seconds for a client to find the answer.
LINGER = 0.5


class Relay:
    """Listens on a loopback port, passes everything on to `target`, and counts the bytes from client to server.

    What it counts has left the client's machine: a kernel takes in megabytes for loopback before the first byte is on
    its way, and a client counts those as sent. The relay's own buffers are small.
    """

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
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
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
            with contextlib.suppress(OSError):
                self.pass_on(client, server)
            # Closing on a client that is still sending would reset the connection and lose the answer.
            client.shutdown(socket.SHUT_WR)
            time.sleep(LINGER)

    def pass_on(self, client, server):
        """Both ways until both have ended, or one is gone."""
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while ready.get_map():
                for key, _ in ready.select():
                    piece = key.fileobj.recv(PIECE)
                    if not piece:
                        ready.unregister(key.fileobj)
                        key.data.shutdown(socket.SHUT_WR)
                        continue
                    key.data.sendall(piece)
                    if key.fileobj is client:
                        with self.lock:
                            self.sent += len(piece)

    def close(self):
        self.listener.close()
