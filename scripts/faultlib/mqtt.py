"""An MQTT 5 client of the least size, on asyncio: no retries, no queues, nothing that could hide a fault."""
import asyncio
import itertools
from dataclasses import dataclass

_ids = itertools.count(1)


@dataclass
class Message:
    topic: str
    payload: bytes
    retained: bool
    expiry: int | None  # seconds that the broker still grants, MQTT 5


class Refused(Exception):
    """The broker answered CONNECT with a reason code."""


class Closed(Exception):
    """The connection is gone."""


def _text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return len(data).to_bytes(2, "big") + data


def _length(value):
    out = b""
    while True:
        value, byte = value >> 7, value & 127
        out += bytes([byte | (128 if value else 0)])
        if not value:
            return out


def _packet(kind, body):
    return bytes([kind]) + _length(len(body)) + body


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


_BYTES = {0x01: 1, 0x02: 4, 0x23: 2}


def _expiry(data, at, end):
    """The message expiry among the properties of PUBLISH."""
    found = None
    while at < end:
        kind = data[at]
        at += 1
        if kind == 0x02:
            found = int.from_bytes(data[at:at + 4], "big")
        if kind in _BYTES:
            at += _BYTES[kind]
        elif kind == 0x0B:
            _, at = _varint(data, at)
        else:
            at += 2 + int.from_bytes(data[at:at + 2], "big")
            if kind == 0x26:
                at += 2 + int.from_bytes(data[at:at + 2], "big")
    return found


class Client:
    """`await Client.open(...)`, then `subscribe`, `publish`, and `async for message in client`."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.buffer, self.at = b"", 0

    @classmethod
    async def open(cls, port, host="127.0.0.1", client_id=None, user=None, password=None, ssl=None, seconds=5.0):
        async def connect():
            reader, writer = await asyncio.open_connection(host, port, ssl=ssl)
            client = cls(reader, writer)
            flags = 2 | (0x80 if user else 0) | (0x40 if password else 0)
            body = _text("MQTT") + bytes([5, flags]) + b"\0\0" + b"\0" + _text(client_id or f"t{next(_ids)}")
            body += (_text(user) if user else b"") + (_text(password) if password else b"")
            writer.write(_packet(0x10, body))
            kind, answer = await client._read()
            if kind >> 4 != 2 or answer[1]:
                client.close()
                raise Refused(answer[1] if len(answer) > 1 else kind)
            return client
        try:
            return await asyncio.wait_for(connect(), seconds)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            raise Closed(str(error)) from error

    def _taken(self):
        """A packet out of what has come, or None."""
        data, at, length, shift = self.buffer, self.at + 1, 0, 0
        while at < len(data):
            byte = data[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                if at + length > len(data):
                    return None
                kind, self.at = data[self.at], at + length
                return kind, data[at:at + length]
        return None

    async def _read(self):
        while True:
            packet = self._taken()
            if packet:
                return packet
            more = await self.reader.read(65536)
            if not more:
                raise EOFError
            self.buffer, self.at = self.buffer[self.at:] + more, 0

    def subscribe(self, *filters):
        for name in filters:
            self.writer.write(_packet(0x82, b"\0\1\0" + _text(name) + b"\0"))

    def publish(self, topic, payload=b"", retain=False):
        data = payload.encode() if isinstance(payload, str) else payload
        self.writer.write(_packet(0x30 | (1 if retain else 0), _text(topic) + b"\0" + data))

    def ping(self):
        self.writer.write(b"\xc0\0")

    def close(self):
        self.writer.close()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            try:
                kind, body = await self._read()
            except (OSError, EOFError) as error:
                raise StopAsyncIteration from error
            if kind >> 4 != 3:
                continue
            size = int.from_bytes(body[:2], "big")
            at = 2 + size + (2 if kind & 6 else 0)
            length, start = _varint(body, at)
            return Message(body[2:2 + size].decode(errors="replace"), body[start + length:], bool(kind & 1),
                           _expiry(body, start, start + length))
