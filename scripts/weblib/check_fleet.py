#!/usr/bin/env python3
"""The page of a fleet in a real chromium: a thousand simulated packs through a real bridge and broker. Started by 'scripts/check-web --fleet'."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import check_page
from check_commands import free
from check_live import memory, processor, share
from check_page import check


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--packs", type=int, default=1000)
    parser.add_argument("--pictures")
    options = parser.parse_args()
    packs, processes = options.packs, []

    def start(*words, **more):
        processes.append(subprocess.Popen(words, stderr=subprocess.DEVNULL, **more))
        return processes[-1]

    driver = None
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)

        try:
            broker, page = free(), free()
            with open(path("broker.conf"), "w") as file:
                file.write(f"listener {broker} 127.0.0.1\nallow_anonymous true\n")
            start("mosquitto", "-c", path("broker.conf"))
            simulator = start(options.program, "simulate", "--pty", "--link", path("bms"), "--packs", str(packs), "--print-config", stdout=subprocess.PIPE)
            lines = []
            # It ends where there are not enough pseudo terminals.
            while (line := simulator.stdout.readline().decode()) and len(lines) < packs + 4:
                lines.append(line)
                if line.startswith(f"  - {{ id: p{packs}"):
                    break
            check(len(lines) > packs, "simulated packs", packs)
            lines = [f"mqtt: {{ host: 127.0.0.1, port: {broker} }}\n"] + lines[lines.index("packs:\n"):]
            with open(path("config.yaml"), "w") as file:
                file.writelines(lines + [f"stateDirectory: {path('state')}\n", "homeAssistant: { discovery: \"off\" }\n", "gx: { feed: false, tree: false }\n", "publish: { economy: low }\n"])
            web = start(options.program, "web", "--config", path("config.yaml"), "--listen", f"127.0.0.1:{page}", "--data", path("data"))
            bridge = start(options.program, "run", "--config", path("config.yaml"))
            url, live, end = f"http://127.0.0.1:{page}/", 0, time.monotonic() + 180
            while live < packs and time.monotonic() < end:
                time.sleep(2)
                try:
                    with urllib.request.urlopen(url + "api/batteries", timeout=10) as answer:
                        live = sum(row["status"] == "live" for row in json.load(answer)["batteries"])
                except OSError:
                    pass
            check(live == packs, "every battery is live", live)
            # The first minute of a fleet is not like the others.
            time.sleep(45)
            idle = share(web.pid, 30)
            driver = browser.Browser()
            checks = check_page.Checks(driver, url, options.pictures)
            sight = checks.open("")
            check(sight.until("document.querySelectorAll('.cards li').length === %d" % packs, 20), "the overview has every battery")
            contents = sorted(first_content(checks) for _ in range(5))
            check(contents[2] < 1000, "first figures, median of five, ms", ", ".join(f"{x:.0f}" for x in contents))
            begun, used, other = time.monotonic(), processor(web.pid), processor(bridge.pid)
            time.sleep(30)
            seconds = time.monotonic() - begun
            busy = 100 * (processor(web.pid) - used) / seconds
            check(busy < 40, "processor with a viewer, percent of a core", f"{busy:.1f}; without {idle:.1f}; the bridge's {100 * (processor(bridge.pid) - other) / seconds:.1f}")
            check(memory(web.pid) < 200, "memory, MB", round(memory(web.pid), 1))
            if options.pictures:
                # What is in view: a picture of all would have 84,000 pixels.
                sight.picture(os.path.join(options.pictures, "page-fleet.png"), whole=False)
            sight.close()
        finally:
            if driver:
                driver.close()
            for process in reversed(processes):
                process.terminate()
                process.wait(20)
    print("all is well" if not check_page.failures else f"{len(check_page.failures)} failed")
    return 1 if check_page.failures else 0


def first_content(checks):
    """Milliseconds from the request for the page to the first figures of a battery."""
    page = checks.open("")
    page.until("window.seen.first", 20)
    took = page.run("window.seen.first") or 99_999
    page.close()
    return took


if __name__ == "__main__":
    sys.exit(main())
