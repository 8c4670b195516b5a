"""Brokers that run here: each with passwords, on ephemeral ports of 127.0.0.1, in a folder of its own, as the user of the script."""
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import time

from faultlib.processes import Program

from . import client


class Missing(Exception):
    """The broker is not installed here; the text says what would bring it."""


_taken = set()


def free_port():
    """A port below those that the system gives to outgoing connections: it is still free when a broker comes back to it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            if port not in _taken and probe.connect_ex(("127.0.0.1", port)) != 0:
                _taken.add(port)
                return port


def output(*command, **more):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=120, **more).stdout


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not come within {seconds} s")
        time.sleep(0.1)


class Engine:
    """One broker, or several nodes of a cluster. `users` are names and passwords; `rules` makes of names the text of access rules."""

    name = title = ""
    packages = ()
    protocol = 5
    is_cluster = False  # nodes above one share their messages
    has_wildcard_retained = True
    starts_within = 60
    starts_one_by_one = False
    failover_nodes = 2
    killed_within = 5  # seconds until limits flow again when the first of them is killed

    def __init__(self, folder, users, nodes=1):
        self.folder, self.users = pathlib.Path(folder), users
        self.ports = [free_port() for _ in range(nodes)]
        self.programs = []
        self.rules = None

    @classmethod
    def version(cls):
        raise NotImplementedError

    def login(self, user):
        """What the broker calls a user."""
        return user

    def start(self):
        self.programs = [self.program(node) for node in range(len(self.ports))]
        for node, program in enumerate(self.programs):
            program.start()
            if self.starts_one_by_one:
                self.await_node(node)
        for node in range(len(self.ports)):
            self.await_node(node)
        self.started()
        return self

    def started(self):
        """Work that needs the running broker."""

    def await_node(self, node, seconds=None):
        def answers():
            if not self.programs[node].is_alive:
                raise RuntimeError(f"{self.title} ended: {self.programs[node].lines[-5:]}")
            return self.accepts(node)
        wait(answers, seconds or self.starts_within, f"{self.title}, node {node + 1}")

    def accepts(self, node):
        # A broker may listen before its cluster has a leader or its users are there.
        return client.is_let_in(self.ports[node], self.login("admin"), self.users["admin"], self.protocol)

    def end(self):
        for program in self.programs:
            program.kill()


def mosquitto_files(engine):
    """Passwords and access rules in files as mosquitto and FlashMQ read them."""
    passwords, access = engine.folder / "passwords", engine.folder / "acl"
    passwords.write_text("")
    for user, password in engine.users.items():
        subprocess.run(["mosquitto_passwd", "-b", passwords, user, password], check=True, stderr=subprocess.DEVNULL)
    access.write_text((engine.rules or "") + "\nuser admin\ntopic readwrite #\n")
    return passwords, access


class Mosquitto(Engine):
    name = title = "mosquitto"
    packages = ("mosquitto", "mosquitto-clients")

    @classmethod
    def version(cls):
        found = re.search(r"version ([0-9.]+)", output(cls.binary(), "-h"))
        return found.group(1)

    @staticmethod
    def binary():
        found = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        if not found:
            raise Missing("apt-get install mosquitto")
        return found

    def program(self, node):
        passwords, access = mosquitto_files(self)
        for file in (passwords, access):
            file.chmod(0o600)
        config = self.folder / f"broker-{node}.conf"
        config.write_text(f"listener {self.ports[node]} 127.0.0.1\nuser root\nallow_anonymous false\npassword_file {passwords}\n"
                          + (f"acl_file {access}\n" if self.rules else "") + "log_type all\n")
        return Program([self.binary(), "-c", config], self.folder / f"broker-{node}.log")


class FlashMQ(Engine):
    """The broker of a GX. No package has it: FLASHMQ names a build."""

    name, title = "flashmq", "FlashMQ"

    @classmethod
    def version(cls):
        return re.search(r"[0-9]+\.[0-9]+\.[0-9]+", output(cls.binary(), "--version")).group(0)

    @staticmethod
    def binary():
        found = os.environ.get("FLASHMQ")
        if not found:
            raise Missing("FLASHMQ=FILE names a build of it")
        return found

    def program(self, node):
        passwords, access = mosquitto_files(self)
        (self.folder / f"store-{node}").mkdir(exist_ok=True)
        config = self.folder / f"broker-{node}.conf"
        config.write_text(
            f"allow_anonymous false\nmosquitto_password_file {passwords}\nlog_file {self.folder}/flashmq-{node}.log\n"
            f"storage_dir {self.folder}/store-{node}\nthread_count 1\n" + (f"mosquitto_acl_file {access}\n" if self.rules else "")
            + f"listen {{\n  protocol mqtt\n  port {self.ports[node]}\n  inet_protocol ip4\n  inet4_bind_address 127.0.0.1\n}}\n")
        return Program([self.binary(), "--config-file", config], self.folder / f"broker-{node}.log")


class NATS(Engine):
    """A cluster where there are several nodes. MQTT needs JetStream, which keeps what is retained on a majority of them."""

    name = title = "nats"
    title = "NATS"
    packages = ("nats-server",)
    protocol = 4
    is_cluster = True
    failover_nodes = 3
    killed_within = 15  # the rest finds new leaders before it acknowledges anything: 8 to 9 s on two cores

    @classmethod
    def version(cls):
        return re.search(r"v([0-9.]+)", output(cls.binary(), "--version")).group(1)

    @staticmethod
    def binary():
        found = os.environ.get("NATS") or shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin")
        if not found:
            raise Missing("apt-get install nats-server")
        return found

    def program(self, node):
        nodes = len(self.ports)
        if not hasattr(self, "routes"):
            self.routes, self.native, self.monitor = ([free_port() for _ in range(nodes)] for _ in range(3))
        lines = [f"server_name: n{node + 1}", f"listen: 127.0.0.1:{self.native[node]}", f"http: 127.0.0.1:{self.monitor[node]}",
                 f"jetstream {{ store_dir: {self.folder}/store-{node} }}", f"mqtt {{ listen: 127.0.0.1:{self.ports[node]} }}"]
        if nodes > 1:
            routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self.routes)
            lines.append(f"cluster {{ name: fleet, listen: 127.0.0.1:{self.routes[node]}, routes: [{routes}] }}")
        permissions = {}
        if self.rules:
            (self.folder / "rules.conf").write_text(self.rules)
            lines.append("include ./rules.conf")
            # The lines that the rules themselves propose.
            permissions = {user: name for user, name in re.findall(r'^# +\{ user: "([^"]*)",.*permissions: (\$\w+)', self.rules, re.M)}
        lines.append("authorization { users: [")
        for user, password in self.users.items():
            more = f", permissions: {permissions[user]}, allowed_connection_types: [MQTT]" if user in permissions else ""
            lines.append(f'  {{ user: "{user}", password: "{password}"{more} }}')
        lines.append("] }")
        config = self.folder / f"nats-{node}.conf"
        config.write_text("\n".join(lines) + "\n")
        return Program([self.binary(), "-c", config], self.folder / f"nats-{node}.log")


class Erlang(Engine):
    """A broker that runs in Erlang. Its port mapper would listen on all addresses, and outlive it: it gets one of its own."""

    starts_one_by_one = True  # the others join the first

    def environment(self, node):
        # The files with the cookie of the cluster are of one user, and the names of the nodes known to one mapper.
        return {"HOME": str(self.folder), "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self.mapper_port)}

    def start(self):
        self.mapper_port = free_port()
        epmd = shutil.which("epmd")
        if not epmd:
            raise Missing(f"apt-get install {self.packages[0]}")
        self.mapper = Program([epmd, "-port", self.mapper_port, "-address", "127.0.0.1"], self.folder / "epmd.log").start()
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text("of-this-test-alone")
            cookie.chmod(0o400)
        return super().start()

    def end(self):
        super().end()
        if hasattr(self, "mapper"):
            self.mapper.kill()


class RabbitMQ(Erlang):
    name, title = "rabbitmq", "RabbitMQ"
    packages = ("rabbitmq-server",)
    protocol = 4
    has_wildcard_retained = False
    is_cluster = True
    starts_within = 120
    failover_nodes = 3  # its list of clients is kept by a majority
    _scripts = pathlib.Path("/usr/lib/rabbitmq/bin")

    @classmethod
    def version(cls):
        found = sorted(pathlib.Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
        if not found:
            raise Missing("apt-get install rabbitmq-server")
        return found[-1].name.rsplit("-", 1)[1]

    def environment(self, node):
        return {
            **super().environment(node), "RABBITMQ_NODENAME": f"n{node + 1}@localhost", "RABBITMQ_DIST_PORT": str(self.distribution[node]),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"), "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / f"rabbitmq-{node}.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"), "RABBITMQ_PID_FILE": str(self.folder / f"pid-{node}"),
            # The shell becomes the broker, as under systemd, and ends with this script.
            "RUNNING_UNDER_SYSTEMD": "1",
        }

    def program(self, node):
        if not hasattr(self, "distribution"):
            self.distribution = [free_port() for _ in self.ports]
        (self.folder / "plugins").write_text("[rabbitmq_mqtt].\n")
        (self.folder / f"rabbitmq-{node}.conf").write_text(
            f"listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:{self.ports[node]}\nmqtt.allow_anonymous = false\n"
            "loopback_users = none\ndistribution.listener.interface = 127.0.0.1\nload_definitions = " + str(self.definitions()) + "\n"
            + "cluster_formation.peer_discovery_backend = classic_config\n"
            + "".join(f"cluster_formation.classic_config.nodes.{n + 1} = n{n + 1}@localhost\n" for n in range(len(self.ports))))
        return Program([self._scripts / "rabbitmq-server"], self.folder / f"rabbitmq-{node}.log", self.environment(node))

    def definitions(self):
        """Users, so that no tool has to add each: a file that is read at the start."""
        def entry(user, password):
            salt = os.urandom(4)
            hashed = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
            return {"name": user, "password_hash": hashed, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}
        free = [user for user in self.users if user == "admin" or not self.rules]
        file = self.folder / "definitions.json"
        file.write_text(json.dumps({
            "users": [entry(*user) for user in self.users.items()], "vhosts": [{"name": "/"}],
            "permissions": [{"user": user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"} for user in free]}))
        return file

    def control(self, *words, node=0, **more):
        run = subprocess.run([self._scripts / "rabbitmqctl", "-q", *words], env={**os.environ, **self.environment(node)}, timeout=120,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
        if run.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(words[:2])}: {run.stdout.strip()[-300:]}")
        return run.stdout

    def started(self):
        if self.rules:
            tools = self.folder / "tools"
            tools.mkdir(exist_ok=True)
            # Debian's own would change to the user of the installed broker.
            (tools / "rabbitmqctl").write_text(f'#!/bin/sh\nexec {self._scripts}/rabbitmqctl "$@"\n')
            (tools / "rabbitmqctl").chmod(0o755)
            environment = {**os.environ, **self.environment(0)}
            environment["PATH"] = f"{tools}:{environment['PATH']}"
            # As the help proposes it: through a pipe.
            run = subprocess.run(["sh"], input=self.rules, env=environment, timeout=240, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, check=False)
            if run.returncode:
                raise RuntimeError(f"the script of the access rules failed: {run.stdout[-500:]}")


class Ejabberd(Erlang):
    name = title = "ejabberd"
    packages = ("ejabberd",)
    is_cluster = True

    @classmethod
    def version(cls):
        found = sorted(pathlib.Path("/usr/lib").glob("*/ejabberd-*/ebin/ejabberd.app"))
        if not found:
            raise Missing("apt-get install ejabberd")
        return re.search(r'vsn,\s*"([^"]+)"', found[-1].read_text()).group(1)

    def login(self, user):
        return f"{user}@localhost"

    def program(self, node):
        config = self.folder / f"ejabberd-{node}.yml"
        config.write_text(f"""\
hosts: [localhost]
loglevel: info
auth_method: internal
listen:
  - {{ port: {self.ports[node]}, ip: "127.0.0.1", module: mod_mqtt, backlog: 1000 }}
modules:
  mod_mqtt: {{}}
""")
        spool = self.folder / f"spool-{node}"
        spool.mkdir(exist_ok=True)
        register = "".join(f'ejabberd_auth:try_register(<<"{user}">>,<<"localhost">>,<<"{password}">>),'
                           for user, password in self.users.items()) if node == 0 else ""
        join = "" if node == 0 else "ejabberd_admin:join_cluster(<<\"e1@127.0.0.1\">>),"
        library = next(pathlib.Path("/usr/lib").glob("*/ejabberd-*/ebin/ejabberd.app")).parents[2]
        # The users follow when it has started.
        work = f"{{ok,_}}=application:ensure_all_started(ejabberd),{register}{join}ok."
        return Program(
            ["erl", "-name", f"e{node + 1}@127.0.0.1", "-noinput", "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-mnesia", "dir",
             f'"{spool}"', "-s", "ejabberd", "-eval", work],
            self.folder / f"ejabberd-{node}.log",
            {**self.environment(node), "EJABBERD_CONFIG_PATH": str(config), "EJABBERD_LOG_PATH": str(self.folder / f"log-{node}.log"),
             "ERL_LIBS": str(library), "ERL_CRASH_DUMP": str(self.folder / "dump"), "ERL_MAX_PORTS": "32000"})



class AMQTT(Engine):
    """From PyPI, into an environment of its own."""

    name, title = "amqtt", "amqtt"
    packages = ("python3-venv",)
    protocol = 4
    version_wanted = "0.12.1"
    _environment = pathlib.Path(__file__).resolve().parents[2] / ".build" / "amqtt"

    @classmethod
    def version(cls):
        python = cls._environment / "bin/python"
        if not (cls._environment / "bin/amqtt").exists():
            said = output(sys.executable, "-m", "venv", cls._environment)
            said += output(python, "-m", "pip", "install", "-q", f"amqtt=={cls.version_wanted}") if python.exists() else ""
            if not (cls._environment / "bin/amqtt").exists():
                raise Missing(f"pip install amqtt says: {said.strip()[-200:]}")
        return output(python, "-c", "from importlib.metadata import version; print(version('amqtt'))").strip()

    def program(self, node):
        passwords = self.folder / "passwords"
        make = ("import sys; from pwdlib import PasswordHash; from pwdlib.hashers.argon2 import Argon2Hasher\n"
                "for word in sys.argv[1:]: print(word.partition(':')[0], PasswordHash((Argon2Hasher(),)).hash(word.partition(':')[2]), sep=':')")
        passwords.write_text(output(self._environment / "bin/python", "-c", make, *(f"{u}:{p}" for u, p in self.users.items())))
        config = self.folder / f"amqtt-{node}.yaml"
        config.write_text(f"""\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{self.ports[node]}
plugins:
  amqtt.plugins.authentication.FileAuthPlugin:
    password_file: {passwords}
""")
        return Program([self._environment / "bin/amqtt", "-c", config], self.folder / f"amqtt-{node}.log")


ENGINES = {engine.name: engine for engine in (Mosquitto, FlashMQ, RabbitMQ, NATS, Ejabberd, AMQTT)}
