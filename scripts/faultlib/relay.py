"""A TCP relay that can be cut, frozen, delayed, throttled and garbled while connections run through it."""
import asyncio
import random
import socket
import time


class Relay:
    def __init__(self, target, port):
        self.target, self.port = target, port
        self.server = None
        self.writers = set()
        self.bridges = set()  # those towards the bridge
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.delay = 0.0
        self.rate = None  # bytes a second, all connections of a direction together
        self.garble = 0.0  # share of bytes that get a wrong bit, towards the broker
        self.sent = None  # with a bytearray: all that came from the bridge, as it was before any byte became wrong
        self.is_shallow = False  # holds back next to nothing by itself: what it does not carry waits at the sender
        self.due = {}
        self.carried = 0  # bytes towards the broker
        self.random = random.Random(1)

    async def open(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.is_shallow:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        listener.bind(("127.0.0.1", self.port))
        self.server = await asyncio.start_server(self.accept, sock=listener, limit=256 if self.is_shallow else 4096)
        return self

    def refuse(self):
        """No new connections; those that are there stay."""
        if self.server:
            self.server.close()
            self.server = None

    def cut(self):
        """Ends all connections at once."""
        for writer in list(self.writers):
            writer.transport.abort()

    def inject(self, data):
        """Bytes for the bridge, as if the broker had sent them."""
        for writer in self.bridges:
            writer.write(data)

    def freeze(self):
        self.flowing.clear()

    def thaw(self):
        self.flowing.set()

    async def accept(self, reader, writer):
        self.writers.add(writer)
        self.bridges.add(writer)
        other = None
        try:
            await self.flowing.wait()
            backwards, other = await asyncio.open_connection("127.0.0.1", self.target, limit=4096)
            self.writers.add(other)
            await asyncio.gather(self.pump(reader, other, "up"), self.pump(backwards, writer, "down"))
        except (OSError, asyncio.CancelledError):
            # Cancelled only at the end of the scene; a task of the server that ends so would be reported.
            pass
        finally:
            for end in (writer, other):
                if end:
                    end.close()
                    self.writers.discard(end)
                    self.bridges.discard(end)

    async def pump(self, reader, writer, way):
        line = asyncio.Queue(maxsize=1 if self.is_shallow else 16)

        async def deliver():
            while (item := await line.get()) is not None:
                due, data = item
                await asyncio.sleep(due - time.monotonic())
                await self.flowing.wait()
                if self.rate:
                    self.due[way] = max(self.due.get(way, 0), time.monotonic()) + len(data) / self.rate
                    await asyncio.sleep(self.due[way] - time.monotonic())
                if way == "up":
                    self.carried += len(data)
                writer.write(data)
                await writer.drain()
        carrier = asyncio.create_task(deliver())
        try:
            while True:
                await self.flowing.wait()
                data = await reader.read(256 if self.rate else 4096)
                if not data:
                    # A network that carries nothing carries no end of a connection either.
                    await self.flowing.wait()
                    break
                if way == "up":
                    if self.sent is not None:
                        self.sent += data
                    if self.garble:
                        data = bytes(b ^ (1 << self.random.randrange(8)) if self.random.random() < self.garble else b for b in data)
                await line.put((time.monotonic() + self.delay, data))
            await line.put(None)
            await carrier
        except OSError:
            await self.flowing.wait()
        finally:
            carrier.cancel()
            writer.close()
