#!/usr/bin/env python3
r"""Fleet topics from a NATS cluster into a time-series database.

MQTT at NATS 2.9 has no shared subscriptions, so this reader speaks the protocol of NATS, where readers of one queue group share the
messages: start as many as the load needs. A reader whose node dies goes on at the next one.

    read_nats.py --hosts node-1.example:4222,node-2.example:4222,node-3.example:4222 --cafile fleet-ca.crt --user timeseries \
        --password-file password --write http://localhost:8428/write
"""
import argparse
import json
import pathlib
import socket
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from to_line_protocol import Writer, line  # noqa: E402

SILENCE = 6.0  # seconds without a byte; a ping goes out after half of them
LONGEST = 1 << 20


class Connection:
    """One connection to a node: what NATS needs is lines of text."""

    def __init__(self, host, options):
        name, port = host.rsplit(":", 1)
        self.socket = socket.create_connection((name, int(port)), 3)
        self.buffer, self.is_accepted = b"", False
        info = json.loads(self.line(3).partition(b" ")[2])
        if options.cafile:
            context = ssl.create_default_context(cafile=options.cafile)
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        elif info.get("tls_required"):
            raise OSError("the node wants TLS: name its authority with --cafile")
        password = pathlib.Path(options.password_file).read_text(encoding="utf-8").split("\n")[0] if options.password_file else None
        login = {"user": options.user, "pass": password} if options.user else {}
        self.send("CONNECT " + json.dumps({"verbose": False, "pedantic": False, "lang": "python", "version": "1", "name": options.group, **login}))
        for number, word in enumerate(("state", "limits"), 1):
            self.send(f"SUB fleet.*.bms.*.{word} {options.group} {number}")
        self.send("PING")

    def send(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def more(self, seconds):
        self.socket.settimeout(seconds)
        data = self.socket.recv(65536)
        if not data:
            raise OSError("the node closed the connection")
        self.buffer += data

    def line(self, seconds):
        """A line, or TimeoutError when none came."""
        while b"\r\n" not in self.buffer:
            if len(self.buffer) > LONGEST:
                raise OSError("the node sent a line without an end")
            self.more(seconds)
        text, self.buffer = self.buffer.split(b"\r\n", 1)
        return text

    def message(self):
        """Subject and payload of the next message, or None when there was none for a while."""
        try:
            text = self.line(1.0)
        except TimeoutError:
            return None
        words = text.split()
        if words and words[0] == b"PING":
            self.send("PONG")
        elif words and words[0] == b"PONG":
            # The answer to the first ping comes after the login and the subscriptions, and only where these are allowed.
            self.is_accepted = True
        elif words and words[0] == b"-ERR":
            raise OSError(text.decode(errors="replace"))
        elif words and words[0] in (b"MSG", b"HMSG"):
            size = int(words[-1])
            head = int(words[-2]) if words[0] == b"HMSG" else 0
            if not 0 <= head <= size <= LONGEST:
                raise OSError(f"the node sent {text[:60]!r}")
            while len(self.buffer) < size + 2:
                self.more(SILENCE)
            payload, self.buffer = self.buffer[head:size], self.buffer[size + 2:]
            return words[1].decode(errors="replace"), payload
        return "", b""


def read(connection, writer):
    heard, asked = time.monotonic(), 0.0
    while True:
        message = connection.message()
        now = time.monotonic()
        if message is None:
            if now - heard > SILENCE:
                raise OSError(f"the node is silent for {SILENCE:.0f} s")
            if now - heard > SILENCE / 2 and now - asked > SILENCE / 2:
                connection.send("PING")
                asked = now
            writer.flush()
            continue
        heard = now
        subject, payload = message
        text = line(subject.replace(".", "/"), payload, time.time()) if subject else None
        if text is not None:
            writer.write(text)


def follow(hosts, options, writer, pause=time.sleep):
    """Reads from one node after the other."""
    place, failures = 0, 0
    while True:
        host, connection = hosts[place % len(hosts)], None
        try:
            connection = Connection(host, options)
            print(f"reads from {host}", file=sys.stderr, flush=True)
            read(connection, writer)
        except (OSError, ValueError) as error:
            if connection:
                connection.socket.close()
            failures = 1 if connection and connection.is_accepted else failures + 1
            print(f"{host}: {error}; {hosts[(place + 1) % len(hosts)]} is tried now", file=sys.stderr, flush=True)
        place += 1
        # A pause when each of them has failed, not between them.
        if failures % len(hosts) == 0:
            pause(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="localhost:4222", help="nodes, separated by commas")
    parser.add_argument("--cafile", help="without it no TLS")
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    parser.add_argument("--group", default="tsdb", help="readers with the same word share the messages")
    parser.add_argument("--write", help="URL that takes line protocol; without it lines go to standard output")
    options = parser.parse_args()
    try:
        follow(options.hosts.split(","), options, Writer(options.write))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
