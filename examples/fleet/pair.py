"""A site and a centre on this machine, from the files beside this one, for check.py and Benchmarks/mobile-link.

The site's link to the centre runs through a small proxy, so that it can be cut.
"""
import os
import pathlib
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import paho.mqtt.client as mqtt

from checks import edited, wait

HERE = pathlib.Path(__file__).resolve().parent
PASSWORDS = {"site-a": "a-secret", "site-b": "b-secret", "timeseries": "t-secret", "operator": "o-secret"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy(threading.Thread):
    """Bytes from one port to another; a cut link swallows them without a word, as a dead mobile link does."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.port, self.target, self.is_cut = free_port(), target, False
        self.listener = socket.socket()
        # Segments as on a mobile link; loopback's are of 64 kB.
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        self.start()

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        peers = {}
        while True:
            for key, _ in selector.select(0.2):
                if key.fileobj is self.listener:
                    near, far = self.listener.accept()[0], socket.create_connection(("127.0.0.1", self.target))
                    for one, other in ((near, far), (far, near)):
                        peers[one] = other
                        selector.register(one, selectors.EVENT_READ)
                    continue
                one = key.fileobj
                if one not in peers:
                    continue
                try:
                    data = one.recv(65_536)
                    if data and not self.is_cut:
                        peers[one].sendall(data)
                except OSError:
                    data = b""
                # A connection that ends on one side of a cut link ends unheard: only this side is closed.
                if not data:
                    other = peers.pop(one)
                    selector.unregister(one)
                    one.close()
                    if not self.is_cut and peers.pop(other, None):
                        selector.unregister(other)
                        other.close()


class Pair:
    def __init__(self, program, site_edits=(), bridge_edits=(), packs=1):
        if not shutil.which(program):
            raise SystemExit(f"'{program}' is no program: name the bms-mqtt to run, such as .build/release/bms-mqtt")
        # The children run in a directory of their own.
        program = str(pathlib.Path(shutil.which(program)).resolve())
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="fleet-"))
        self.children = []
        try:
            self.central_port, self.site_port, source_port = free_port(), free_port(), free_port()
            self.certificates()
            self.central(self.central_port)
            self.proxy = Proxy(self.central_port)
            self.site(site_edits)
            self.bridge(program, source_port, packs, bridge_edits)
        except BaseException:
            self.end()
            raise

    def run(self, *command):
        subprocess.run(command, check=True, cwd=self.work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, name, *command):
        log = open(self.work / f"{name}.log", "w", encoding="utf-8")
        child = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.work)
        self.children.append(child)
        return child

    def certificates(self):
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=fleet ca", "-keyout", "ca.key", "-out", "fleet-ca.crt")  # fmt: skip
        self.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                 "-keyout", "central.key", "-out", "central.csr")  # fmt: skip
        (self.work / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.run("openssl", "x509", "-req", "-in", "central.csr", "-CA", "fleet-ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                 "-days", "2", "-extfile", "names", "-out", "central.crt")  # fmt: skip

    def edited(self, source, target, *edits):
        edited(HERE / source, self.work / target, *edits)
        return str(self.work / target)

    def central(self, port):
        (self.work / "fleet-passwords").write_text("")
        for user, password in PASSWORDS.items():
            self.run("mosquitto_passwd", "-b", "fleet-passwords", user, password)
        shutil.copy(HERE / "central/acl", self.work / "fleet-acl")
        # mosquitto gives up root's rights, and must read these.
        os.chmod(self.work, 0o755)
        for name in ("central.key", "fleet-passwords", "fleet-acl"):
            os.chmod(self.work / name, 0o644)
        file = self.edited("central/mosquitto.conf", "central.conf", ("listener 8883", f"listener {port} 127.0.0.1"),
                           ("/etc/mosquitto", str(self.work)))  # fmt: skip
        self.start("central", "mosquitto", "-v", "-c", file)
        self.await_port(port)

    def site(self, edits):
        file = self.edited("site/mosquitto.conf", "site.conf", ("listener 1883", f"listener {self.site_port}"),
                           ("central.example:8883", f"localhost:{self.proxy.port}"), ("change-me", PASSWORDS["site-a"]),
                           ("/etc/mosquitto", str(self.work)), *edits)  # fmt: skip
        self.start("site", "mosquitto", "-v", "-c", file)
        self.await_port(self.site_port)

    def bridge(self, program, port, packs, edits):
        self.start("simulate", program, "simulate", "--tcp", str(port), "--packs", str(packs))
        self.await_port(port)
        more = "".join(f"\n  - id: pack-{n + 1}\n    source: tcp:127.0.0.1:{port + n}" for n in range(1, packs))
        file = self.edited("site/bms-mqtt.yaml", "bms-mqtt.yaml", ("host: localhost", f"host: 127.0.0.1\n  port: {self.site_port}"),
                           ("serial:auto", f"tcp:127.0.0.1:{port}{more}"), *edits)  # fmt: skip
        with open(file, "a", encoding="utf-8") as config:
            config.write(f"stateDirectory: {self.work}/state\n")
        self.bms = self.start("bms", program, "run", "--config", file)

    def await_port(self, port):
        def is_open():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait(is_open, 20, f"a program on port {port}")

    def client(self, user=None):
        """A client of the centre (by user) or of the site, that notes (when, topic, retained, payload)."""
        return Client(self, user)

    def end(self):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            child.wait(10)
        shutil.rmtree(self.work, ignore_errors=True)


class Client:
    def __init__(self, pair, user):
        self.heard, self.granted, self.acknowledged = [], [], []
        self.client = mqtt.Client(protocol=mqtt.MQTTv5)
        self.client.on_message = lambda _c, _d, m: self.heard.append((time.time(), m.topic, bool(m.retain), m.payload, m.properties))
        self.client.on_subscribe = lambda _c, _d, _m, codes, *_: self.granted.append([int(str(code.value)) for code in codes])
        self.client.on_publish = lambda _c, _d, mid: self.acknowledged.append(mid)
        if user:
            self.client.username_pw_set(user, PASSWORDS[user])
            self.client.tls_set(str(pair.work / "fleet-ca.crt"))
        self.client.connect("localhost" if user else "127.0.0.1", pair.central_port if user else pair.site_port)
        self.client.loop_start()

    def subscribe(self, *filters):
        before = len(self.granted)
        self.client.subscribe([(topic, 1) for topic in filters])
        wait(lambda: len(self.granted) > before, 10, "a subscription's answer")

    def publish(self, topic, payload, retain=False):
        self.client.publish(topic, payload, qos=1, retain=retain)

    def on(self, topic):
        return [message for message in list(self.heard) if message[1] == topic]

    def end(self):
        self.client.loop_stop()
        try:
            self.client.disconnect()
        except OSError:
            # The broker may have gone first.
            pass
