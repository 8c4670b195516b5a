"""A simulated pack and a bridge beside a broker under test, and clients of each kind."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from faultlib.processes import Program

from .client import Client
from .engines import free_port
from .proxy import Proxy

PORTAL = "02a1b2c3d4e5"
# The password of each is its name.
USERS = ("bridge", "ha", "reader", "page", "cerbo", "admin")


class Failed(Exception):
    """A check found something else than it expects."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Site:
    """`with Site(engine class, program) as site`: a running broker; then `start_bridge`."""

    def __init__(self, kind, binary, nodes=1, rules=False, has_proxy=False):
        self.binary, self.clients, self.programs = binary, [], []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"check-brokers-{kind.name}-"))
        # mosquitto reads its files after it gave up the rights of root.
        self.folder.chmod(0o755)
        self.engine = kind(self.folder, {user: user for user in USERS}, nodes)
        self.has_rules, self.has_proxy, self.proxy = rules, has_proxy, None
        self.source = free_port()
        self.bridge = None

    def __enter__(self):
        try:
            self.write_configuration()
            if self.has_rules:
                self.engine.rules = self.rules()
            self.engine.start()
            if self.has_proxy:
                self.proxy = Proxy(self.proxy_port, self.engine.ports[0])
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for one in self.clients:
            one.close()
        for program in self.programs:
            program.kill()
        if self.proxy:
            self.proxy.end()
        self.engine.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_configuration(self):
        engine = self.engine
        self.proxy_port = free_port() if self.has_proxy else engine.ports[0]
        ports = [self.proxy_port, *engine.ports[1:]]
        hosts = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        where = f"hosts: [{hosts}]" if len(ports) > 1 else f"host: 127.0.0.1, port: {ports[0]}"
        version = "" if engine.protocol == 5 or engine.name != "amqtt" else 'protocol: "3.1.1", '
        (self.folder / "config.yaml").write_text(f"""\
mqtt: {{ {where}, username: "{engine.login('bridge')}", password: bridge, {version}clientId: the-bridge }}
gx: {{ portalId: "{PORTAL}" }}
stateDirectory: {self.folder}/state
packs:
  - id: garage
    source: tcp:127.0.0.1:{self.source}
    relays: [{{ name: charger, function: fault, commandTopic: cmnd/charger/POWER, stateTopic: stat/charger/POWER, dwell: 0 }}]
""")

    def rules(self):
        words = [self.binary, "acl", "--config", self.folder / "config.yaml", "--bridge", "bridge", "--home-assistant", "ha", "--reader",
                 "reader", "--page", "page", "--gx", "cerbo", "--response", "answers/#"]
        if self.engine.name in ("rabbitmq", "nats"):
            words += ["--for", self.engine.name]
        run = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=30)
        expect(run.returncode == 0, f"bms-mqtt acl: {run.stderr.strip()}")
        return run.stdout

    def start_bridge(self):
        (self.folder / "state").mkdir(exist_ok=True)
        simulate = Program([self.binary, "simulate", "--tcp", self.source], self.folder / "simulate.log").start()
        self.bridge = Program([self.binary, "run", "--config", self.folder / "config.yaml"], self.folder / "bridge.log").start()
        self.programs += [simulate, self.bridge]
        return time.time()

    def client(self, user, node=0, **more):
        engine = self.engine
        one = Client(engine.ports[node], engine.login(user), user, engine.protocol, **more)
        self.clients.append(one)
        return one

    def listener(self, user, filters, node=0, qos=1):
        one = self.client(user, node)
        one.subscribe(filters, qos=qos)
        return one

    def said(self, pattern):
        """A line of the bridge's log, or None."""
        return next((line for line in self.bridge.lines if re.search(pattern, line)), None) if self.bridge else None


def document(message):
    try:
        return json.loads(message.payload)
    except (ValueError, AttributeError):
        return {}
