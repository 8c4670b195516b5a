"""A way to a broker that can be cut: bytes get lost without a word, and nobody answers there any more."""
import selectors
import socket
import threading


class Proxy(threading.Thread):
    def __init__(self, port, target):
        super().__init__(daemon=True)
        self.port, self.target = port, target
        self.is_cut = self.is_closed = self.is_ended = False
        self.peers, self.listener, self.bytes = {}, None, 0
        self.selector = selectors.DefaultSelector()
        self.open()
        self.start()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))

    def cut(self):
        """What is under way is lost, a new connection is refused."""
        self.is_cut = True

    def mend(self):
        """Connections from before the cut are gone."""
        self.is_cut = False

    def run(self):
        listening = False
        while not self.is_ended:
            if (self.is_cut or self.is_closed) and listening:
                self.selector.unregister(self.listener)
                self.listener.close()
                listening = False
            elif not self.is_cut and not self.is_closed and not listening:
                if self.listener.fileno() < 0:
                    self.open()
                    for one in list(self.peers):
                        self.forget(one)
                self.selector.register(self.listener, selectors.EVENT_READ)
                listening = True
            for key, _ in self.selector.select(0.05):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj in self.peers:
                    self.pass_on(key.fileobj)

    def accept(self):
        near = self.listener.accept()[0]
        try:
            far = socket.create_connection(("127.0.0.1", self.target), 2)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            self.peers[one] = other
            self.selector.register(one, selectors.EVENT_READ)

    def pass_on(self, one):
        try:
            data = one.recv(65536)
            if data and not self.is_cut:
                self.bytes += len(data)
                self.peers[one].sendall(data)
        except OSError:
            data = b""
        if not data:
            other = self.peers[one]
            self.forget(one)
            # Nobody hears across a cut line that the other end has gone.
            if not self.is_cut:
                self.forget(other)

    def forget(self, one):
        if self.peers.pop(one, None):
            self.selector.unregister(one)
        one.close()

    def end(self):
        self.is_ended = True
        self.join(2)
        for one in list(self.peers):
            one.close()
        self.listener.close()
