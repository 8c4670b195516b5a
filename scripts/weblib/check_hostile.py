#!/usr/bin/env python3
"""Requests of somebody who means harm, against a running page: it neither ends nor grows, and the bridge goes on. Started by scripts/check-web.

usage: scripts/weblib/check_hostile.py --url http://127.0.0.1:8099/ --web PID --broker PORT
"""
import argparse
import os
import random
import resource
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_page
from check_live import memory, processor
from check_page import check

SEED = 29


class Limits:
    """Longest gap between two documents with limits, as a consumer sees it."""

    def __init__(self, broker):
        self.process = subprocess.Popen(["mosquitto_sub", "-p", str(broker), "-t", "bms/garage/limits"], stdout=subprocess.PIPE)
        self.last, self.longest = time.monotonic(), 0.0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for _ in self.process.stdout:
            now = time.monotonic()
            self.longest, self.last = max(self.longest, now - self.last), now

    def end(self):
        self.process.kill()
        return max(self.longest, time.monotonic() - self.last)


class Attack:
    def __init__(self, options):
        url = urllib.parse.urlsplit(options.url)
        self.peer, self.web, self.url = (url.hostname, url.port), options.web, options.url

    def connect(self):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(self.peer)
        return one

    def send(self, data, patience=5):
        """Sends what the server takes, and returns the begin of its answer."""
        one = socket.create_connection(self.peer, timeout=patience)
        try:
            one.sendall(data)
            return one.recv(100)
        except OSError:
            return b""
        finally:
            one.close()

    def crowd(self, count, seconds, bytes_each=b"", first=b"", reads=True):
        """Connections that stay: each sends a first part at once and then one byte a second. Returns how many the server closed."""
        crowd = [self.connect() for _ in range(count)]
        closed, sent = set(), set()
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            for one in crowd:
                if one in closed:
                    continue
                try:
                    if one not in sent and first:
                        one.send(first)
                        sent.add(one)
                    elif bytes_each:
                        one.send(bytes_each[turn % len(bytes_each):][:1])
                    if reads and one.recv(65536) == b"":
                        closed.add(one)
                except BlockingIOError:
                    pass
                except OSError:
                    closed.add(one)
            turn += 1
            time.sleep(1)
        for one in crowd:
            one.close()
        return len(closed)

    def answers(self, patience=15):
        """Seconds until a visitor gets the page."""
        begun = time.monotonic()
        while time.monotonic() - begun < patience:
            try:
                with urllib.request.urlopen(self.url + "api/batteries", timeout=5) as answer:
                    if answer.status == 200:
                        return time.monotonic() - begun
            except OSError:
                time.sleep(0.1)
        return None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.web}/fd"))


def garbage(random, count):
    """Requests of which a few bytes are wrong."""
    samples = [b"GET /api/batteries HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", b"GET /events?battery=garage HTTP/1.0\r\nHost: localhost\r\n\r\n",
               b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"password\":\"x\"}",
               b"GET /api/history/garage?series=soc,ccl&from=0&to=9e99&points=-1 HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: bms-mqtt-8099=x\r\n\r\n"]
    for _ in range(count):
        data = bytearray(random.choice(samples))
        for _ in range(random.randrange(1, 6)):
            place = random.randrange(len(data))
            kind = random.randrange(3)
            if kind == 0:
                data[place] = random.randrange(256)
            elif kind == 1:
                data[place:place] = bytes(random.randrange(256) for _ in range(random.randrange(1, 20)))
            else:
                del data[place:place + random.randrange(1, 20)]
                data = data or bytearray(b"\n")
        yield bytes(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--web", type=int, required=True)
    parser.add_argument("--broker", type=int, required=True)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    attack = Attack(options)
    check(attack.answers() is not None, "a visitor is served")
    before, descriptors, used, begun = memory(options.web), attack.descriptors(), processor(options.web), time.monotonic()
    limits = Limits(options.broker)

    def after(what):
        took = attack.answers()
        check(took is not None and os.path.exists(f"/proc/{options.web}"), f"{what}: a visitor is served afterwards", f"after {took or 99:.1f} s; {memory(options.web):.1f} MB")

    attack.crowd(1000, 8)
    after("1,000 connections that say nothing")
    attack.crowd(1000, 15, bytes_each=b"x", first=b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    after("1,000 heads that arrive a byte a second")
    attack.crowd(200, 15, bytes_each=b"x", first=b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n")
    after("200 bodies that arrive a byte a second")
    attack.crowd(200, 20, first=b"GET /events?battery=garage HTTP/1.1\r\nHost: localhost\r\n\r\n", reads=False)
    after("200 readers of events that read nothing")
    for name, data in (("a head of 5 MB", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 5_000_000), ("an address of 1 MB", b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n"),
                       ("100,000 headers", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 100_000 + b"\r\n"),
                       ("a body of 20 MB", b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 20_000_000),
                       ("a body without an end", b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + b"fff\r\n" + b"x" * 4095 + b"\r\n" * 3)):
        answer = attack.send(data)
        check(b" 200 " not in answer, f"{name}: refused", answer.split(b"\r\n")[0].decode("latin-1") or "closed")
    chance, seconds = random.Random(SEED), time.monotonic()
    for data in garbage(chance, 2_000):
        attack.send(data, patience=0.02)
    after(f"2,000 damaged requests, seed {SEED}, in {time.monotonic() - seconds:.0f} s")
    begun_waiting = time.monotonic()
    while attack.descriptors() > descriptors + 4 and time.monotonic() - begun_waiting < 40:
        time.sleep(0.5)
    check(attack.descriptors() <= descriptors + 4, "open files afterwards", f"{descriptors} before, {attack.descriptors()} after {time.monotonic() - begun_waiting:.0f} s")
    check(memory(options.web) - before < 8, "memory afterwards, MB", f"{before:.1f} before, {memory(options.web):.1f} after")
    check(limits.end() < 8, "longest gap between two limits of the bridge meanwhile, s", round(limits.longest, 2))
    print(f"processor meanwhile: {100 * (processor(options.web) - used) / (time.monotonic() - begun):.1f} % of a core")
    print("all is well" if not check_page.failures else f"{len(check_page.failures)} failed")
    return 1 if check_page.failures else 0


if __name__ == "__main__":
    sys.exit(main())
