"""Runs inside User Mode Linux, where there is SocketCAN: a bridge on can0, an inverter beside it, and whatever can happen to a bus."""
import os
import re
import signal
import subprocess
import sys
import time

import can

from canlib import decoder

# The only folder that can be written.
FOLDER = os.environ["TMPDIR"]
CONFIGURATION = """
mqtt: { host: 127.0.0.1, port: 1, clientId: %s }
stateDirectory: %s
packs:
  - id: garage
    source: simulator:day
can:
  - { interface: can:can0, protocol: victron }
"""


class Bridge:
    def __init__(self, program, name="bridge"):
        self.log = f"{FOLDER}/{name}.log"
        os.makedirs(f"{FOLDER}/{name}", exist_ok=True)
        with open(f"{FOLDER}/{name}.yaml", "w") as file:
            file.write(CONFIGURATION % (name, f"{FOLDER}/{name}"))
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([program, "run", "--config", f"{FOLDER}/{name}.yaml"], stderr=log)

    def said(self, pattern):
        with open(self.log) as file:
            return len(re.findall(pattern, file.read()))

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()


class Bench:
    def __init__(self):
        self.bus, self.inverter, self.failures = self.open(), decoder.Inverter(), []

    @staticmethod
    def open():
        return can.interface.Bus(bustype="socketcan", channel="can0")

    def listen(self, seconds, until=lambda: False):
        """Listens for some seconds, or until something is so; returns how long it took."""
        start = time.monotonic()
        while time.monotonic() - start < seconds and not until():
            try:
                message = self.bus.recv(0.05)
            except (can.CanError, OSError):
                time.sleep(0.05)
                continue
            if message and not message.is_error_frame:
                self.inverter.hear(message.arbitration_id, bytes(message.data), time.monotonic())
        return time.monotonic() - start

    def check(self, what, is_good, note=""):
        print(f"{'ok    ' if is_good else 'FAILED'} {what}{': ' if note else ''}{note}", flush=True)
        if not is_good:
            self.failures.append(what)

    def is_fresh(self):
        return self.inverter.at is not None and time.monotonic() - self.inverter.at < 0.5

    def error(self, can_id, data=bytes(8)):
        self.bus.send(can.Message(arbitration_id=can_id, is_error_frame=True, is_extended_id=False, data=data))


def ip(*words):
    subprocess.run(["/sbin/ip", "link", *words], check=True)


def main(program):
    bench = Bench()
    bridge = Bridge(program)
    took = bench.listen(15, lambda: bench.inverter.limits is not None)
    bench.check("a set comes without a broker", bench.inverter.limits is not None, f"after {took:.1f} s")
    bench.inverter.gaps, bench.inverter.sets, bench.inverter.seen = [], [], []
    bench.listen(10)
    sets = bench.inverter.sets[1:]
    order = [0x35E] + [can_id for can_id in decoder.VICTRON if can_id != 0x35E]
    bench.check("each set is whole and in its order", len(sets) >= 8 and all(one == order for one in sets), f"{len(sets)} sets")
    gaps = bench.inverter.gaps
    bench.check("one set a second", gaps and 0.85 < min(gaps) and max(gaps) < 1.2, f"{min(gaps):.3f} to {max(gaps):.3f} s")

    bench.bus.send(can.Message(arbitration_id=0x305, is_extended_id=False, data=bytes(8)))
    bench.listen(1)
    bench.check("a keep-alive is heard", bridge.said("an inverter is there") == 1)
    bench.bus.send(can.Message(arbitration_id=0x305, is_extended_id=True, data=bytes(8)))
    bench.bus.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=bytes(8)))
    bench.listen(1)
    bench.check("other frames are nothing", bridge.said("somebody else") == 0)

    # Messages of the controller, as linux/can/error.h has them: no acknowledgement, error-passive, bus off, restarted.
    for name, can_id, data, pattern in [
            ("no acknowledgement", 0x020, bytes(8), "nobody acknowledges"),
            ("error-passive", 0x004, bytes([0, 0x20, 0, 0, 0, 0, 0, 0]), "nobody acknowledges"),
            ("bus off", 0x040, bytes(8), "has left the bus")]:
        # Between two sets, so that the next one is due in less than a second.
        bench.listen(2, bench.is_fresh)
        bench.listen(0.4)
        bench.error(can_id, data)
        pause = bench.listen(0.9)
        is_silent = not bench.is_fresh()
        took = pause + bench.listen(5, bench.is_fresh)
        bench.check(f"{name}: said once, tried again after a second, over", bridge.said(pattern) >= 1 and is_silent and took < 3, f"{took:.1f} s")
    bench.error(0x100)
    bench.check("restarted: sets go on", bench.listen(3, bench.is_fresh) < 3)

    ip("set", "can0", "down")
    took = bench.listen(5, lambda: bridge.said("interface is down") > 0)
    bench.check("interface down: said with its remedy", bridge.said("ip link set can0 up") > 0, f"{took:.1f} s")
    bench.listen(4)
    bench.check("interface down: said once", bridge.said("interface is down") == 1)
    ip("set", "can0", "up")
    bench.bus.shutdown()
    bench.bus = bench.open()
    took = bench.listen(10, bench.is_fresh)
    bench.check("interface up: sets again", took < 7, f"{took:.1f} s")
    ip("delete", "can0")
    took = bench.listen(5, lambda: bridge.said("no CAN interface of this name") > 0)
    bench.check("adapter pulled: said with its remedy", took < 5, f"{took:.1f} s")
    ip("add", "dev", "can0", "type", "vcan")
    ip("set", "can0", "up")
    bench.bus.shutdown()
    bench.bus = bench.open()
    took = bench.listen(10, bench.is_fresh)
    bench.check("adapter back: sets again", took < 7, f"{took:.1f} s")

    second = Bridge(program, "second")
    took = bench.listen(10, lambda: bridge.said("somebody else sends") and second.said("somebody else sends"))
    bench.check("two bridges on one bus: both say so", took < 10, f"{took:.1f} s")
    second.end()
    took = bench.listen(15, lambda: bridge.said("other sender is silent") > 0)
    bench.check("the second has ended: said", took < 15, f"{took:.1f} s")

    bridge.process.send_signal(signal.SIGHUP)
    bench.inverter.gaps = []
    bench.listen(5)
    bench.check("a reload leaves no gap that stops an inverter", max(bench.inverter.gaps) < 3, f"{max(bench.inverter.gaps):.2f} s")
    bridge.end(signal.SIGKILL)
    killed = time.monotonic()
    bench.listen(5)
    bench.check("bridge killed: silent at once", bench.inverter.at <= killed + 0.05 and not bench.inverter.may_act(killed + 3.1),
                "an inverter stops 3 s after its last limits")
    print("log:")
    with open(bridge.log) as file:
        print(file.read())
    return not bench.failures


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
