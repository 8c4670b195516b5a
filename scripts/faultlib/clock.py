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
    def __init__(self, library, path, held=False):
        self.path, self.library = pathlib.Path(path), library
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)
        self.wall = self.boot = 0
        self.base = time.time()
        struct.pack_into("=qqq", self.memory, 16, int(held), time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    @property
    def environment(self):
        return {"LD_PRELOAD": str(self.library), "FAULT_CLOCK": str(self.path)}

    def move(self, wall=0.0, boot=0.0):
        """Moves the clocks by so many seconds."""
        self.wall += round(wall * 1e9)
        self.boot += round(boot * 1e9)
        struct.pack_into("=qq", self.memory, 0, self.wall, self.boot)
