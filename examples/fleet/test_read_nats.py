"""Run by: python3 -m unittest discover -s examples/fleet"""
import contextlib
import io
import pathlib
import socket
import sys
import threading
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "cluster"))
from read_nats import follow  # noqa: E402


class Stop(Exception):
    pass


class Node(threading.Thread):
    """Answers the ping of each client with one text, and closes the connection."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer, self.clients = answer, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            self.clients += 1
            # The node goes, so that a reader without a pause ends, too.
            if self.clients == 20:
                self.listener.close()
            with client:
                client.sendall(b"INFO {}\r\n")
                heard = b""
                while b"PING\r\n" not in heard:
                    heard += client.recv(4096)
                client.sendall(self.answer)


def pauses(answer, count):
    """Attempts before each of the first pauses of a reader that knows three nodes."""
    node, found = Node(answer), []

    def pause(_seconds):
        found.append(node.clients)
        if len(found) == count:
            raise Stop

    options = types.SimpleNamespace(cafile=None, user="timeseries", password_file=None, group="tsdb")
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Stop):
        follow([node.host] * 3, options, None, pause)
    node.listener.close()
    return found


class Pauses(unittest.TestCase):
    def test_a_reader_whose_password_is_wrong_pauses_after_each_round(self):
        self.assertEqual(pauses(b"-ERR 'Authorization Violation'\r\n", 2), [3, 6])

    def test_a_reader_that_was_served_asks_the_other_nodes_at_once(self):
        self.assertEqual(pauses(b"PONG\r\n", 1), [20])


if __name__ == "__main__":
    unittest.main()
