#!/usr/bin/env python3
"""Many packs on one TCP port: packs.py PORT FRAMES. Each connection gets a frame of the file FRAMES (58 bytes each) a second,
spread over the second."""

import selectors
import socket
import sys
import time


def main():
    with open(sys.argv[2], "rb") as file:
        stream = file.read()
    frames = [stream[at : at + 58] for at in range(0, len(stream) - 57, 58)]
    listener = socket.create_server(("", int(sys.argv[1])), backlog=2000)
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    packs = []
    slot = 0
    start = time.monotonic()
    while True:
        # A second has fifty slots; a pack sends in one of them.
        wait = start + slot * 0.02 - time.monotonic()
        if selector.select(max(0, wait)):
            try:
                while True:
                    connection, _ = listener.accept()
                    connection.setblocking(False)
                    packs.append(connection)
            except BlockingIOError:
                pass
        if time.monotonic() < start + slot * 0.02:
            continue
        for number in range(slot % 50, len(packs), 50):
            try:
                packs[number].send(frames[(slot // 50 + number) % len(frames)])
            except OSError:
                pass
        slot += 1


if __name__ == "__main__":
    main()
