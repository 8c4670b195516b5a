"""Programs under test. Only what was started here is ended here."""
import asyncio
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time


_libc = ctypes.CDLL(None)


def _die_with_parent():
    """Nothing that was started here outlives the harness, however that ends."""
    _libc.prctl(1, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A process that can be killed, frozen and started again."""

    def __init__(self, command, log, environment=None):
        self.command, self.log = [str(word) for word in command], pathlib.Path(log)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.starts = 0

    def start(self):
        # Through env(1): a preloaded library must not change the environment of the program's first instruction.
        words = ["env", *self.command] if "LD_PRELOAD" in self.environment else self.command
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                                            preexec_fn=_die_with_parent)
        self.starts += 1
        return self

    @property
    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.is_alive:
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    async def end(self, seconds=5.0):
        """SIGTERM; the exit code and the seconds that it took, or None when it had to be killed."""
        begin = time.monotonic()
        self.signal(signal.SIGTERM)
        while time.monotonic() - begin < seconds:
            if not self.is_alive:
                return self.process.returncode, time.monotonic() - begin
            await asyncio.sleep(0.01)
        self.kill()
        return None, seconds

    def status(self, key):
        """A line of /proc/PID/status, as a number."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        return 0

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def lines(self):
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []


class Broker(Program):
    """mosquitto on a port of its own, without persistence."""

    def __init__(self, folder, options=(), environment=None):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        self.configure(options)
        mosquitto = next((p for p in ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto") if os.path.exists(p)), "mosquitto")
        super().__init__([mosquitto, "-c", self.folder / "broker.conf"], self.folder / "broker.log", environment)

    def configure(self, options=()):
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root", *options]
        (self.folder / "broker.conf").write_text("\n".join(lines) + "\n")

    async def ready(self, seconds=10.0):
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return self
            except OSError:
                await asyncio.sleep(0.05)
        raise RuntimeError(f"mosquitto did not start: {self.lines[-3:]}")
