#!/usr/bin/env python3
"""Commands from the page, before a broker with passwords and the access rules that 'bms-mqtt acl' prints. Started by scripts/check-web."""
import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import check_page
from check_page import check

PASSWORD = "correct horse"


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Scene:
    """A broker that knows three users, a bridge with a simulated pack, and a page as one of the users."""

    def __init__(self, program, folder):
        self.program, self.folder, self.processes = program, folder, []
        self.broker, self.page = free(), free()
        users = {"bridge": "b" * 12, "page": "p" * 12, "reader": "r" * 12}
        with open(self.path("users"), "w") as file:
            file.writelines(f"{user}:{password}\n" for user, password in users.items())
        os.chmod(self.path("users"), 0o600)
        subprocess.run(["mosquitto_passwd", "-U", self.path("users")], check=True)
        for user, password in users.items():
            self.write("config-" + user, f"mqtt: {{ host: 127.0.0.1, port: {self.broker}, username: {user}, password: {password} }}\n"
                       f"stateDirectory: {self.path('state')}\npacks: [{{ id: garage, name: Garage battery, source: 'serial:{self.path('bms')}', "
                       "limits: { maxChargeCurrent: 100 } }]\n")
        self.write("page-password", PASSWORD + "\n")
        os.mkdir(self.path("state"), 0o700)
        rules = subprocess.run([program, "acl", "--config", self.path("config-bridge"), "--page", "page", "--reader", "reader"],
                               check=True, capture_output=True, text=True).stdout
        self.write("rules", rules)
        self.write("broker.conf", f"listener {self.broker} 127.0.0.1\nallow_anonymous false\npassword_file {self.path('users')}\nacl_file {self.path('rules')}\n")
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "mosquitto", folder], check=True)
        self.start("mosquitto", "-c", self.path("broker.conf"))
        self.start(program, "simulate", "--pty", "--link", self.path("bms"), "--scenario", "day")
        self.start(program, "run", "--config", self.path("config-bridge"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)

    def start(self, *words):
        with open(self.path("log"), "a") as log:
            self.processes.append(subprocess.Popen(words, stdout=log, stderr=log))
        return self.processes[-1]

    def serve(self, user, *words):
        """Starts a page as a user of the broker, and waits until it has a live battery with settings."""
        web = self.start(self.program, "web", "--config", self.path("config-" + user), "--listen", f"127.0.0.1:{self.page}", *words)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                battery = self.ask("api/batteries/garage")
                if battery["row"]["status"] == "live" and battery["documents"]["state"] and battery["documents"]["settings"]:
                    break
            except (OSError, urllib.error.HTTPError):
                pass
            time.sleep(0.2)
        return web

    def ask(self, address, headers=(), body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.page}/{address}", data=body, headers={"Authorization": "Bearer " + PASSWORD, **dict(headers)})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def status(self, *request, **more):
        try:
            self.ask(*request, **more)
            return 200
        except urllib.error.HTTPError as error:
            return error.code

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(10)


def run(program, pictures):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        scene = Scene(program, folder)
        driver = None
        try:
            web = scene.serve("page", "--password-file", scene.path("page-password"), "--name", "batteries.lan")
            check(scene.status("api/batteries") == 200, "a script reads with the password")
            check(scene.status("api/batteries", headers={"Authorization": "Bearer wrong"}) == 401, "and not with a wrong one")
            check(scene.status("api/batteries/garage/settings", headers={"Content-Type": "application/json"}, body=b"{}") == 401, "a script cannot command without a session")
            driver = browser.Browser()
            checks = check_page.Checks(driver, f"http://127.0.0.1:{scene.page}/", pictures)
            page = checks.open("battery/garage/settings")
            check(page.says("Password of this page"), "reading is not free: the page asks for the password")
            check("Garage battery" not in page.run("document.body.innerText"), "and shows nothing of the batteries")
            log_in = "(() => { const p = document.getElementById('password'); p.value = '%s'; p.form.requestSubmit(); })()"
            page.run(log_in % "wrong")
            check(page.says("The password is wrong."), "a wrong password is refused")
            page.errors.clear()  # The browser itself logs the refusals.
            page.run(log_in % PASSWORD)
            check(page.says("Charge current ceiling") and page.says("Garage battery"), "the right one opens the page")
            give = "(() => { const i = document.getElementById('set-%s'); i.value = '%s'; i.form.noValidate = true; i.form.requestSubmit(); })()"
            page.run(give % ("maxChargeCurrent", 40))
            check(page.says("Accepted") and page.says("now 40"), "a setting is changed by the bridge, and shown")
            page.run(give % ("maxChargeCurrent", 400))
            check(page.says("Refused: maxChargeCurrent must be 0 to 100 A"), "the bridge's refusal is shown")
            page.run(give % ("customName", "Schöne große Bätterie äöü"))
            check(page.says("Schöne große Bätterie äöü"), "a name with umlauts is set")
            check(page.run("document.cookie") == "", "no script sees the cookie")
            checks.sound(page, "settings before a real bridge")
            page.run("[...document.querySelectorAll('button')].find((b) => b.textContent === 'Log out').click()")
            check(page.says("Password of this page"), "logged out: the page asks again")
            page.errors.clear()
            page.run("fetch('api/batteries').then((a) => window.after = a.status)")
            check(page.until("window.after === 401"), "and the server gives nothing")
            page.close()
            web.terminate()
            web.wait(10)
            web = scene.serve("reader", "--password-file", scene.path("page-password"))
            page = checks.open("battery/garage/settings")
            check(page.says("Password of this page"), "as a user who may only read: the page asks for the password")
            page.run(log_in % PASSWORD)
            check(page.says("Charge current ceiling"), "and shows the settings")
            page.run(give % ("maxChargeCurrent", 30))
            check(page.says("check the broker's access rules", 12), "what the broker refuses is told with its remedy")
            page.close()
        finally:
            scene.end()
            if driver:
                driver.close()
            if check_page.failures:
                with open(scene.path("log")) as file:
                    print(file.read()[-3000:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--pictures")
    options = parser.parse_args()
    run(options.program, options.pictures)
    print("all is well" if not check_page.failures else f"{len(check_page.failures)} failed")
    sys.exit(1 if check_page.failures else 0)
