#!/usr/bin/env python3
"""Pictures of the page in eight states, from a real bridge with simulated packs. Started by 'scripts/check-web --pictures FOLDER'.

usage: scripts/weblib/scenes.py --program .build/release/bms-mqtt --pictures FOLDER

Takes up to 25 minutes: a pack has to be charged until a cell is balanced.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import check_page
from check_commands import free
from check_page import check

CONFIGURATION = """
mqtt: {{ host: 127.0.0.1, port: {port} }}
stateDirectory: {folder}/state
packs:
  - {{ id: garage, name: Garage, source: "simulator:day", limits: {{ fuse: 125 }} }}
  - {{ id: cellar, name: Cellar, source: "serial:{folder}/cellar", limits: {{ fuse: 125 }} }}
  - {{ id: boat, name: Boat, source: "simulator:imbalanced", limits: {{ fuse: 125 }} }}
  - {{ id: workshop, name: Workshop, source: "simulator:fault", limits: {{ fuse: 125 }} }}
banks:
  - {{ id: house, name: House, packs: [garage, cellar] }}
"""


class Scene:
    def __init__(self, program, folder):
        self.program, self.folder, self.processes = program, folder, []
        self.broker, self.page = free(), free()
        self.write("broker.conf", f"listener {self.broker} 127.0.0.1\nallow_anonymous true\n")
        self.write("config.yaml", CONFIGURATION.format(port=self.broker, folder=folder))
        os.mkdir(self.path("state"), 0o700)
        self.start("mosquitto", "-c", self.path("broker.conf"))
        self.cable = self.start(program, "simulate", "--pty", "--link", self.path("cellar"), "--scenario", "day", "--seed", "7")
        self.bridge = self.start(program, "run", "--config", self.path("config.yaml"))
        self.web = self.start(program, "web", "--config", self.path("config.yaml"), "--listen", f"127.0.0.1:{self.page}")
        self.url = f"http://127.0.0.1:{self.page}/"

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def start(self, *words):
        with open(self.path("log"), "a") as log:
            self.processes.append(subprocess.Popen(words, stdout=log, stderr=log))
        return self.processes[-1]

    def battery(self, name):
        try:
            with urllib.request.urlopen(self.url + "api/batteries/" + name, timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return {"row": {}, "documents": {}}

    def until(self, holds, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.5)
        return False

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(20)


def members(document, name):
    return list(((document or {}).get(name) or {}).values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--pictures", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene, driver = Scene(options.program, folder), browser.Browser()
        checks = check_page.Checks(driver, scene.url, options.pictures)

        def shoot(name, place, **more):
            page = checks.open(place, **{"height": 1500, **more})
            time.sleep(2)
            checks.shoot(page, "page-" + name)
            check(not page.errors, f"{name}: a picture without an error on the page", page.errors[:1] or "")
            page.close()

        def cells(name):
            return scene.battery(name)["documents"].get("cells")

        try:
            check(scene.until(lambda: all(x is not None for x in members(cells("cellar"), "Voltages") or [None]) and all(x is not None for x in members(cells("garage"), "Voltages") or [None]), 90), "every cell is known")
            shoot("healthy", "battery/garage")
            shoot("bank", "battery/house")
            shoot("overview", "", height=900)
            shoot("phone", "battery/garage", width=390, height=1400, phone=True)
            level = lambda: ((scene.battery("workshop")["documents"].get("state") or {}).get("Alarms") or {}).get("Alarm")
            check(scene.until(lambda: level() == 2, 450), "a fault is shown")
            shoot("fault", "battery/workshop", dark=True)
            check(scene.until(lambda: any(members(cells("boat"), "Balances")), 1500), "a cell is balanced")
            shoot("balancing", "battery/boat")
            scene.cable.kill()
            check(scene.until(lambda: scene.battery("cellar")["row"].get("status") == "stale", 30), "a pulled cable is shown")
            time.sleep(20)
            shoot("stale", "battery/cellar")
            scene.bridge.send_signal(signal.SIGKILL)
            check(scene.until(lambda: scene.battery("cellar")["row"].get("status") == "offline", 30), "a bridge that is gone is shown")
            shoot("offline", "", height=900)
        finally:
            driver.close()
            scene.end()
    print("all is well" if not check_page.failures else f"{len(check_page.failures)} failed")
    return 1 if check_page.failures else 0


if __name__ == "__main__":
    sys.exit(main())
