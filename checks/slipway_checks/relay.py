"""A relay between a client and the gateway that counts what the client sends."""

import contextlib
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
            # On its own, because an answer may come while the body is stuck.
            upwards = threading.Thread(target=self.pass_on, args=(client, server, self.count), daemon=True)
            upwards.start()
            self.pass_on(server, client, lambda _: None)
            # Closing on a client that is still sending would reset the connection and lose the answer.
            time.sleep(LINGER)

    def count(self, size):
        with self.lock:
            self.sent += size

    def pass_on(self, source, target, count):
        """One way, until it ends or breaks off."""
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                target.sendall(piece)
                count(len(piece))
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()
