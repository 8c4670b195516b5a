"""Everything that check.py runs, from the files beside this one: processes, ports, certificates and passwords of its own."""
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from checks import edited

HERE = pathlib.Path(__file__).resolve().parent
_taken = set()


def free_ports(count):
    """Ports in a row, below those that the system gives to outgoing connections: a node comes back to its own."""
    while True:
        first = random.randrange(20000, 32000 - count)
        ports = range(first, first + count)
        if not _taken.intersection(ports):
            probes = [socket.socket() for _ in ports]
            try:
                if all(probe.connect_ex(("127.0.0.1", port)) for probe, port in zip(probes, ports)):
                    _taken.update(ports)
                    return list(ports)
            finally:
                for probe in probes:
                    probe.close()


class World:
    def __init__(self, program, options):
        self.program, self.options = program, options
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="cluster-"))
        self.children, self.nodes, self.bridges, self.readers = [], [None] * 3, [], []
        self.mqtt, self.plain, self.routes, self.monitors = (free_ports(3) for _ in range(4))
        self.database_port = free_ports(1)[0]
        self.simulators = {}
        self.sites = [f"site-{number}" for number in range(1, options.sites + 1)]
        self.packs = []

    def start(self):
        self.certificates()
        each = self.options.packs // self.options.sites
        # The access rules come from the configurations of the sites.
        for number in range(len(self.sites)):
            self.configure_site(number, each)
        for node in range(3):
            self.start_node(node)
        for port in self.mqtt:
            self.await_port(port)
        self.await_leader()
        (self.work / "db").mkdir()
        binary = self.binary("victoria-metrics")
        self.database = self.run("victoria", binary, f"-storageDataPath={self.work}/db", f"-httpListenAddr=127.0.0.1:{self.database_port}",
                                 "-retentionPeriod=2", "-search.latencyOffset=1s", "-search.maxStalenessInterval=5m")
        self.await_port(self.database_port)
        for _ in range(2):
            self.readers.append(self.run(
                "reader", sys.executable, "-B", HERE / "read_nats.py", "--hosts", ",".join(f"localhost:{port}" for port in self.plain),
                "--user", "timeseries", "--password-file", self.password("timeseries"), "--cafile", f"{self.work}/ca.crt", "--write",
                f"http://127.0.0.1:{self.database_port}/write"))
        for site in self.sites:
            self.bridges.append(self.run(site, self.program, "run", "--config", self.work / f"{site}.yaml"))

    @staticmethod
    def binary(name):
        found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if not found:
            raise SystemExit(f"{name} is missing: apt-get install {name}")
        return found

    def run(self, name, *command):
        with open(self.work / f"{name}.log", "ab") as log:
            child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.work)
        self.children.append(child)
        return child

    def call(self, *command):
        return subprocess.run([str(word) for word in command], check=True, cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True).stdout

    def certificates(self):
        self.call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                  "-subj", "/CN=fleet ca", "-keyout", "ca.key", "-out", "ca.crt")
        self.call("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                  "-keyout", "node.key", "-out", "node.csr")
        (self.work / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.call("openssl", "x509", "-req", "-in", "node.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                  "-extfile", "names", "-out", "node.crt")

    def password(self, user):
        file = self.work / f"{user}.password"
        file.write_text(f"{user}-secret\n")
        file.chmod(0o600)
        return file

    def edited(self, source, target, *edits):
        edited(HERE / source, self.work / target, *edits)

    def configure_site(self, number, packs):
        site = self.sites[number]
        # Each site begins with another node.
        ports = [self.mqtt[(number + step) % 3] for step in range(3)]
        special = [("empty", "empty"), ("imbalanced", "imbalanced")] if number == 0 else []
        first = free_ports(packs)
        sources = [(f"pack-{n + 1}", port) for n, port in enumerate(first[:packs - len(special)])]
        self.run("simulate", self.program, "simulate", "--tcp", first[0], "--packs", len(sources), "--seed", 1 + 1000 * number)
        for (name, scenario), port in zip(special, first[len(sources):]):
            self.simulators[name] = self.run("simulate", self.program, "simulate", "--tcp", port, "--scenario", scenario)
            sources.append((name, port))
        self.packs += [(site, name) for name, _ in sources]
        rows = "".join(f"\n  - id: {name}\n    source: tcp:127.0.0.1:{port}" for name, port in sources)
        hosts = ", ".join(f'"localhost:{port}"' for port in ports)
        self.edited("site.yaml", f"{site}.yaml", ('"node-1.example:8883", "node-2.example:8883", "node-3.example:8883"', hosts),
                    ("site-a", site), ("/etc/bms-mqtt/password", str(self.password(site))),
                    ("/etc/bms-mqtt/fleet-ca.crt", f"{self.work}/ca.crt"), ("economy: low", f"economy: {self.options.economy}"),
                    ("\n  - id: pack-1\n    source: serial:auto", rows))
        with open(self.work / f"{site}.yaml", "a", encoding="utf-8") as config:
            config.write(f"stateDirectory: {self.work}/state-{site}\n")
            # A bank of two packs, which no answer may count as a third.
            if number == 0:
                config.write("banks:\n  - id: both\n    packs: [pack-1, pack-2]\n")
        (self.work / f"{site}.conf").write_text(self.call(
            self.program, "acl", "--for", "nats", "--config", self.work / f"{site}.yaml", "--bridge", site))

    def start_node(self, node):
        name = f"node-{node + 1}"
        routes = ", ".join(f"nats://localhost:{port}" for port in self.routes)
        users = "".join(
            f'    {{ user: {site}, password: "{site}-secret", permissions: $fleet_s{site.replace("-", "_d")}_sbms_bridge, '
            "allowed_connection_types: [MQTT] }\n" for site in self.sites)
        example = '    { user: site-a, password: "change-me", permissions: $fleet_ssite_da_sbms_bridge, allowed_connection_types: [MQTT] }\n'
        self.edited(
            "nats.conf", f"{name}.conf", ("server_name: node-1 ", f"server_name: {name} "), ("0.0.0.0:4222", f"127.0.0.1:{self.plain[node]}"),
            ("127.0.0.1:8222", f"127.0.0.1:{self.monitors[node]}"), ("0.0.0.0:8883", f"127.0.0.1:{self.mqtt[node]}"),
            ("0.0.0.0:6222", f"127.0.0.1:{self.routes[node]}"), ("/var/lib/nats", f"{self.work}/store-{node}"),
            ("nats://node-1.example:6222, nats://node-2.example:6222, nats://node-3.example:6222", routes),
            ("/etc/nats/node-1", f"{self.work}/node"), ("/etc/nats/ca.crt", f"{self.work}/ca.crt"),
            ("include ./site-a.conf", "\n".join(f"include ./{site}.conf" for site in self.sites)), (example, users),
            ('user: timeseries, password: "change-me"', 'user: timeseries, password: "timeseries-secret"'),
            ('user: operator, password: "change-me"', 'user: operator, password: "operator-secret"'))
        self.nodes[node] = self.run(name, self.binary("nats-server"), "-c", self.work / f"{name}.conf")

    def await_port(self, port):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise SystemExit(f"FAIL: no program listens on port {port}: {self.logs()}")

    def await_leader(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if (self.asked(0, "jsz").get("meta_cluster") or {}).get("leader"):
                return
            time.sleep(0.25)
        raise SystemExit(f"FAIL: the nodes find no leader: {self.logs()}")

    def logs(self):
        return {file.name: file.read_text(errors="replace").splitlines()[-2:] for file in self.work.glob("node-*.log")}

    def asked(self, node, page):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitors[node]}/{page}", timeout=10) as answer:
            return json.loads(answer.read())

    def native(self, node):
        return f"localhost:{self.plain[node]}"

    def figures(self, node):
        return self.asked(node, "varz")

    def delivered(self, name):
        """Messages to the connections of that name, by node and connection."""
        found = {}
        for node in range(3):
            if self.nodes[node].poll() is None:
                for one in self.asked(node, "connz")["connections"]:
                    if one.get("name") == name:
                        found[node, one["cid"]] = one["out_msgs"]
        return found

    def clients(self, node):
        return sum(bool(one.get("mqtt_client")) for one in self.asked(node, "connz")["connections"])

    def end(self):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if os.environ.get("KEEP"):
            print(f"kept: {self.work}", file=sys.stderr)
        else:
            shutil.rmtree(self.work, ignore_errors=True)
