"""Frames of a 123\\SmartBMS (docs/protocol.md) and a BMS that sends them on a pseudo terminal."""
import asyncio
import collections
import os
import pty
import termios
import time
import tty

LENGTH = 58
CELLS = 16
KEYS = [95, 97, 2, 88, 2, 148, 0x33, 11, 0, 108, 0, 2, 81, 0, 2, 63, 0x30, 2, 168]


def frame(number, cells=CELLS, low=3280, high=3295, status=3):
    """Frame `number` of a pack at rest. Its current tells the number, modulo 800, in steps of 125 mA from -50 A."""
    counts = number % 800 - 400
    sign = b"+" if counts >= 0 else b"-"
    current = sign + abs(counts).to_bytes(2, "big")
    key = number % len(KEYS)
    body = ((low + high) // 2 * cells // 5).to_bytes(3, "big") + current + b"X\0\0" + current
    body += (low // 5).to_bytes(2, "big") + bytes([3]) + (high // 5).to_bytes(2, "big") + bytes([min(11, cells)])
    body += (293).to_bytes(2, "big") + bytes([1]) + (297).to_bytes(2, "big") + bytes([2])
    body += bytes([number % cells + 1, cells]) + (low // 5 + 1).to_bytes(2, "big") + (295).to_bytes(2, "big")
    body += bytes([status]) + (20).to_bytes(3, "big") + (2923).to_bytes(3, "big") + (12).to_bytes(3, "big")
    body += bytes([55]) + (593).to_bytes(3, "big") + (575).to_bytes(3, "big") + bytes([25 + key, KEYS[key]])
    body += (53).to_bytes(2, "big") + b"".join((mv // 5).to_bytes(2, "big") for mv in (2900, 3700, 3400))
    return body + bytes([sum(body) & 255])


class Cable:
    """A pseudo terminal behind a link, as a USB cable is behind /dev/serial/by-id."""

    def __init__(self, link):
        self.link, self.master, self.slave = str(link), None, None
        self.plug()

    def plug(self):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave, termios.TCSANOW)
        os.set_blocking(self.master, False)
        os.symlink(os.ttyname(self.slave), self.link + ".new")
        os.replace(self.link + ".new", self.link)

    def pull(self):
        """The port vanishes, and its name with it."""
        if self.master is None:
            return
        os.unlink(self.link)
        os.close(self.master)
        os.close(self.slave)
        self.master = self.slave = None

    def write(self, data):
        if self.master is None:
            return
        try:
            os.write(self.master, data)
        except BlockingIOError:
            termios.tcflush(self.slave, termios.TCIFLUSH)
        except OSError:
            pass


class BMS:
    """A frame each second, through `filter`, which may drop, spoil, hold back or repeat it."""

    def __init__(self, *outputs):
        self.outputs = outputs
        self.number = 0
        self.born = {}  # bytes of a frame: its number and when it was measured
        self.arrived = collections.deque([(0.0, 0.0)], maxlen=2000)  # when a new, whole frame came out; when it was measured
        self.filter = lambda data: [data]
        self.measure = {}

    async def run(self):
        due = time.monotonic()
        while True:
            self.number += 1
            data = frame(self.number, **self.measure)
            # A torn frame counts by its second half.
            self.born[data] = self.born[data[20:]] = (self.number, time.monotonic())
            for stale in [key for key, (number, _) in self.born.items() if number < self.number - 700]:
                del self.born[stale]
            for piece in self.filter(data):
                self.emit(piece)
            due = max(due + 1, time.monotonic() - 0.5)
            await asyncio.sleep(due - time.monotonic())

    def sleep(self, seconds):
        """All that was measured is so much older, as after a suspend."""
        self.born = {data: (number, moment - seconds) for data, (number, moment) in self.born.items()}
        self.arrived = collections.deque([(moment, measured - seconds) for moment, measured in self.arrived], maxlen=2000)

    def emit(self, data):
        measured = self.born.get(data, (0, 0.0))[1]
        if measured > self.arrived[-1][1]:
            self.arrived.append((time.monotonic(), measured))
        for output in self.outputs:
            output.write(data)

    def measured(self, at):
        """When the newest data was measured that a bridge could have at a moment."""
        for arrived, measured in reversed(self.arrived):
            if arrived <= at:
                return measured
        return 0.0

    def measured_by(self, amperes):
        """When the frame was measured that told this current."""
        return next((moment for number, moment in reversed(self.born.values())
                     if (number % 800 - 400) == round(amperes * 8)), 0.0)
