# SPDX-License-Identifier: Apache-2.0
"""A proxy on loopback that cuts connections at random bytes, in either direction."""

import random
import selectors
import socket
import struct
import threading


class Plan:
    """What becomes of one connection: which `way` it is cut, after `left` bytes from where `after` stood in what the
    client sent; with a reset or an end. `way` None: it is not."""

    def __init__(self, rng, share, after):
        self.after = after
        self.way = rng.choice(("to", "from")) if rng.random() < share else None
        self.left = rng.randrange(2 ** rng.randrange(1, 13))  # small as often as large
        self.reset = rng.random() < 0.5

    def allows(self, way, data):
        """How many of these bytes may pass; fewer than all is the cut."""
        if way == "to" and self.after in data:
            self.after = b""
        if way != self.way or self.after:
            return len(data)
        allowed = min(len(data), self.left)
        self.left -= allowed
        return allowed


class Cutter:
    """Passes connections on to `target` ("host:port", may change), and cuts `share` of them, at most `row_max` in a row.
    All three may change, as may `after`: a part of the requests with which it begins."""

    def __init__(self, target, seed, share, row_max=1000):
        self.after = b""
        self.target, self.share, self.cuts = target, share, {"to": 0, "from": 0}
        self.row, self.row_max = 0, row_max
        self.rng, self.lock = random.Random(seed), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            with self.lock:
                plan = Plan(self.rng, self.share if self.row < self.row_max else 0, self.after)
                self.row = self.row + 1 if plan.way else 0
            threading.Thread(target=self.serve, args=[client, plan], daemon=True).start()

    def serve(self, client, plan):
        host, port = self.target.split(":")
        try:
            with client, socket.create_connection((host, int(port)), 10) as server:
                if self.passes_all(client, server, plan):
                    return
                with self.lock:
                    self.cuts[plan.way] += 1
                if plan.reset:
                    for end in (client, server):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:  # one of them is gone, or nobody is there
            pass

    @staticmethod
    def passes_all(client, server, plan):
        """Until one of them ends the connection; False: until it is to be cut."""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, ("to", server))
            selector.register(server, selectors.EVENT_READ, ("from", client))
            while True:
                for key, _ in selector.select():
                    way, other = key.data
                    data = key.fileobj.recv(65536)
                    allowed = plan.allows(way, data)
                    other.sendall(data[:allowed])
                    if not data or allowed < len(data):
                        return not data

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class MeddlesOnce:
    """What becomes of a meddler's connections."""

    way, reset = "to", False

    def __init__(self, request, meddle):
        self.request, self.meddle = request, meddle

    def allows(self, way, data):
        if way != "to" or not self.meddle or self.request not in data:
            return len(data)
        meddle, self.meddle = self.meddle, None
        meddle()
        return 0


class LosesOnce:
    """What becomes of the connections of a loser of answers."""

    way, reset = "from", False

    def __init__(self, request):
        self.request, self.sent, self.lost = request, False, False

    def allows(self, way, data):
        self.sent = self.sent or way == "to" and self.request in data
        if way == "to" or not self.sent or self.lost:
            return len(data)
        self.lost = True
        return 0


class Loser(Cutter):
    """Cuts the connection once, when the server has done such a request and answers it."""

    def __init__(self, target, request):
        self.plan = LosesOnce(request)
        super().__init__(target, seed=1, share=0)

    def serve(self, client, plan):
        super().serve(client, self.plan)


class Meddler(Cutter):
    """Lets the first such request meet a server that is gone, for `meddle` is done just before."""

    def __init__(self, target, request, meddle):
        self.plan = MeddlesOnce(request, meddle)
        super().__init__(target, seed=1, share=0)

    def serve(self, client, plan):
        super().serve(client, self.plan)
