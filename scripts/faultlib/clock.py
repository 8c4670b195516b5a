"""A clock that a test moves: preloaded into the bridge, see clock.c."""
import mmap
import pathlib
import struct
import subprocess
import time

_SOURCE = pathlib.Path(__file__).with_name("clock.c")


def build(folder):
    """The library to preload."""
    library = pathlib.Path(folder) / "clock.so"
    if not library.exists():
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, _SOURCE], check=True)
    return library


class Clock:
    def __init__(self, library, path, held=False, frame_port=0):
        """With `frame_port` each frame that is read from that TCP port moves the clocks by a second."""
        self.path, self.library = pathlib.Path(path), library
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)
        struct.pack_into(
            "=qqqqqqq", self.memory, 0, 0, 0, int(held), time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), frame_port, 0)

    @property
    def environment(self):
        return {"LD_PRELOAD": str(self.library), "FAULT_CLOCK": str(self.path)}

    @property
    def frames_read(self):
        return struct.unpack_from("=q", self.memory, 48)[0]

    @property
    def heap(self):
        """Bytes of the program's heap in use, and free."""
        return struct.unpack_from("=qq", self.memory, 56)

    @property
    def wall(self):
        """Seconds since 1970 by a held clock."""
        offset, _, _, base = struct.unpack_from("=qqqq", self.memory, 0)
        return (base + offset) / 1e9

    def move(self, wall=0.0, boot=0.0):
        """Moves the clocks by so many seconds."""
        before = struct.unpack_from("=qq", self.memory, 0)
        struct.pack_into("=qq", self.memory, 0, before[0] + round(wall * 1e9), before[1] + round(boot * 1e9))
