#!/usr/bin/env python3
"""Serves the page with a believable API and invented batteries, for work on the page and for tests of the page alone.

usage: scripts/weblib/fake_server.py [--port 8099] [--scene healthy] [--dygraphs FOLDER]

Scenes: healthy, balancing, fault, stale, hung (limits are not repeated), offline, bank, fleet (1,000 batteries), commands (password: secret),
and faults of the way: mute (the stream stays open and says nothing), gone (streams end, none begins), broker, bridge (it is offline, and
nobody knows since when), nobody (no bridge was heard). `POST scene/NAME` changes the scene while
pages are open; a real server has nothing of that kind.
"""
import argparse
import json
import math
import os
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_battery

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "Sources/bms-mqtt-web/Page")
LANGUAGES = {"de": "German", "nl": "Dutch", "fr": "French"}
FILES = {"": ("index.html", "text/html"), "index.html": ("index.html", "text/html"), "app.js": ("app.js", "text/javascript"),
         "style.css": ("style.css", "text/css"), "icon.svg": ("icon.svg", "image/svg+xml")}
SCENES = ("healthy", "balancing", "fault", "stale", "hung", "offline", "bank", "fleet", "commands", "mute", "gone", "broker", "bridge", "nobody")
PASSWORD, TOKEN = "secret", "0123456789abcdef"
HOLDS = {"state": 30, "limits": 30, "cells": 90, "relays": 30, "settings": None}


def words(language):
    """The tables of the entities and the words that only the page needs; English has the names of rules, alarms and settings."""
    with open(os.path.join(PAGE, "words.json"), encoding="utf-8") as file:
        own = json.load(file)
    table = dict(own["en"])
    if language in LANGUAGES:
        path = os.path.join(ROOT, "Sources/MQTTBridge/HomeAssistant/Languages", LANGUAGES[language] + ".swift")
        with open(path, encoding="utf-8") as file:
            table.update(re.findall(r'"((?:[^"\\]|\\.)*)":\s+"((?:[^"\\]|\\.)*)",', file.read()))
        table.update(own[language])
    return table


class World:
    """The scene, and since when it is on."""

    def __init__(self, scene):
        self.lock = threading.Lock()
        self.settings = {}
        self.turn(scene)

    def turn(self, scene):
        self.scene, self.since = scene, time.time()
        self.packs = fake_battery.packs(scene)

    def head(self, now):
        return {"time": round(now, 3),
                "bridge": {"status": {"bridge": "offline", "nobody": None}.get(self.scene, "online"),
                           "since": None if self.scene in ("bridge", "nobody") else now - 86000},
                "broker": {"connected": self.scene != "broker", "since": self.since if self.scene == "broker" else now - 86000,
                           "text": "connection refused by 127.0.0.1:1883: is the broker running?" if self.scene == "broker" else None}}

    def rows(self, now, only=None):
        quiet = self.scene in ("broker", "bridge", "nobody")
        chosen = self.packs.values() if only is None else [self.packs[name] for name in only]
        return [pack.row(now, self.since, quiet) for pack in chosen]

    def commands(self):
        return {"allowed": self.scene == "commands"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world, dygraphs = None, ""

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def answer(self, value, status=200, kind="application/json", headers=()):
        data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind + ("; charset=utf-8" if kind.startswith(("text", "application/json")) else ""))
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # The browser went away.

    def file(self, path, kind):
        try:
            with open(path, "rb") as file:
                self.answer(file.read(), kind=kind)
        except OSError:
            self.answer({"error": "there is no such file"}, 404)

    def logged_in(self):
        return "session=" + TOKEN in self.headers.get("Cookie", "")

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = [urllib.parse.unquote(part) for part in url.path.strip("/").split("/")]
        now = time.time()
        if url.path.strip("/") in FILES:
            name, kind = FILES[url.path.strip("/")]
            return self.file(os.path.join(PAGE, name), kind)
        if parts[0] in ("dygraph.min.js", "dygraph.css"):
            return self.file(os.path.join(self.dygraphs, parts[0]), "text/css" if parts[0].endswith("css") else "text/javascript")
        if parts == ["events"]:
            return self.events(query.get("battery"))
        if parts == ["api", "words"]:
            return self.answer({"language": query.get("language", "en"), "words": words(query.get("language"))})
        if parts == ["session"]:
            return self.answer({"loggedIn": self.logged_in(), "token": TOKEN if self.logged_in() else None, "mayRead": True})
        if parts == ["api", "batteries"]:
            return self.answer({**self.world.head(now), "commands": self.world.commands(), "batteries": self.world.rows(now)})
        if parts[:2] == ["api", "batteries"] and len(parts) == 3 and parts[2] in self.world.packs:
            pack = self.world.packs[parts[2]]
            return self.answer({"time": now, "commands": self.world.commands(), "row": self.world.rows(now, [pack.id])[0], "documents": pack.documents(now, self.world.since),
                                "holds": HOLDS,
                                "events": pack.events(now, self.world.since)})
        if parts[:2] == ["api", "history"] and len(parts) in (3, 4) and parts[2] in self.world.packs:
            return self.history(self.world.packs[parts[2]], parts[3] if len(parts) == 4 else "", query, now)
        self.answer({"error": "nothing is known by this name"}, 404)

    def history(self, pack, what, query, now):
        try:
            begin, end = float(query.get("from", now - 86400)), float(query.get("to", now))
            points = max(10, min(2000, int(query.get("points", 400))))
        except ValueError:
            return self.answer({"error": "from, to and points have to be numbers"}, 400)
        names = query.get("series", "soc").split(",")
        answers = {"": lambda: pack.series(begin, min(end, now), points, names), "cells": lambda: pack.cell_history(begin, min(end, now), points),
                   "months": lambda: pack.months(now), "days": lambda: pack.days(begin, min(end, now)),
                   "changes": lambda: pack.changes(begin, min(end, now)), "events": lambda: {"events": pack.events(now, self.world.since)}}
        self.answer(answers[what]() if what in answers else {"error": "no such history"}, 200 if what in answers else 404)

    def events(self, battery):
        if self.world.scene == "gone":
            return self.answer({"error": "the server is closing"}, 503)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        said, beat, names, scene = {}, 0.0, {}, None
        try:
            while self.world.scene != "gone":
                if self.world.scene == "mute":
                    time.sleep(0.2)
                    continue
                now = time.time()
                pack = self.world.packs.get(battery)
                rows = self.world.rows(now, pack and [pack.id, *pack.packs])
                changed = [row for row in rows if said.get(row["id"]) != row]
                removed = [name for name in said if name not in self.world.packs]
                if changed or removed or scene != self.world.scene:
                    said = {row["id"]: row for row in rows}
                    self.event("rows", {**self.world.head(now), "removed": removed, "batteries": changed})
                    beat = now
                scene = self.world.scene
                if battery in self.world.packs:
                    for name, document in self.world.packs[battery].documents(now, self.world.since).items():
                        key = json.dumps({**document, "time": 0} if document else None)
                        if names.get(name) != key:
                            names[name] = key
                            self.event("document", {"battery": battery, "name": name, "document": document, "holds": HOLDS[name]})
                if now - beat > 15:
                    self.wfile.write(b": alive\n\n")
                    beat = now
                self.wfile.flush()
                time.sleep(1)
        except OSError:
            pass

    def event(self, name, value):
        self.wfile.write(f"event: {name}\ndata: {json.dumps(value, separators=(',', ':'), ensure_ascii=False)}\n\n".encode())

    def do_POST(self):
        parts = [urllib.parse.unquote(part) for part in self.path.strip("/").split("/")]
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 4096))
        if parts[0] == "scene" and len(parts) == 2 and parts[1] in SCENES:
            with self.world.lock:
                self.world.turn(parts[1])
            return self.answer({})
        try:
            value = json.loads(body or b"null") or {}
        except ValueError:
            return self.answer({"error": "the body is not JSON"}, 400)
        if parts == ["login"]:
            if value.get("password") != PASSWORD:
                return self.answer({"error": "wrong password"}, 403)
            return self.answer(b"", 204, headers=[("Set-Cookie", f"session={TOKEN}; HttpOnly; SameSite=Strict; Path=/")])
        if parts == ["logout"]:
            return self.answer(b"", 204, headers=[("Set-Cookie", "session=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/")])
        if len(parts) == 4 and parts[:2] == ["api", "batteries"] and parts[3] == "settings" and parts[2] in self.world.packs:
            if self.world.scene != "commands" or not self.logged_in() or self.headers.get("X-Token") != TOKEN:
                return self.answer({"error": "not logged in, or this server accepts no commands"}, 403)
            return self.answer(self.world.packs[parts[2]].command(value.get("setting"), value.get("value")))
        self.answer({"error": "nothing is known by this name"}, 404)


def start(scene="healthy", port=0, dygraphs="/usr/share/javascript/dygraphs"):
    """Starts a server in threads of its own; returns it and its address."""
    handler = type("Bound", (Handler,), {"world": World(scene), "dygraphs": dygraphs})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # A browser that goes away resets its connections.
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--scene", choices=SCENES, default="healthy")
    parser.add_argument("--dygraphs", default="/usr/share/javascript/dygraphs")
    options = parser.parse_args()
    server, address = start(options.scene, options.port, options.dygraphs)
    print(address, flush=True)
    threading.Event().wait()
