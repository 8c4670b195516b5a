#!/usr/bin/env python3
"""The page in a real chromium before a real bridge: its numbers, its speed, a pulled cable, a killed server. Started by scripts/check-web."""
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import check_page
from check_page import check

STALE = "document.body.innerText.includes('nothing comes from the BMS')"
LIVE = "[...document.querySelectorAll('.value')].some((e) => e.textContent !== '–') && !" + STALE


def simulator(options):
    process = subprocess.Popen([options.program, "simulate", "--pty", "--link", options.cable, "--scenario", "day"], stdout=subprocess.DEVNULL)
    return process


def memory(process):
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def processor(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(process, seconds):
    begin, used = time.monotonic(), processor(process)
    time.sleep(seconds)
    return (processor(process) - used) / (time.monotonic() - begin) * 100


def row(options):
    with urllib.request.urlopen(options.url + "api/batteries/garage", timeout=10) as answer:
        return json.load(answer)["row"]


def recorded(options):
    with urllib.request.urlopen(options.url + "api/history/garage?from=0&to=4000000000&series=soc&points=2000", timeout=10) as answer:
        return any(value is not None for value in json.load(answer)["series"]["soc"]["mean"])


def viewer(url, stop):
    with urllib.request.urlopen(url + "events?battery=garage", timeout=30) as stream:
        while not stop.is_set() and stream.readline():
            pass


def delays(options, count):
    """Seconds from the publishing of a document to the event that a browser gets, with documents of our own on a battery of our own."""
    results = []
    subprocess.run(["mosquitto_pub", "-p", str(options.broker), "-t", "bms/probe/status", "-m", "online"], check=True)
    time.sleep(1.5)
    with urllib.request.urlopen(options.url + "events?battery=probe", timeout=30) as stream:
        def wait_for(mark):
            while line := stream.readline():
                if mark in line:
                    return time.monotonic()
        for number in range(count):
            mark = f"mark{number}"
            sender = subprocess.Popen(["mosquitto_pub", "-p", str(options.broker), "-t", "bms/probe/relays", "-m", json.dumps({"x": mark})])
            begun = time.monotonic()
            results.append(wait_for(mark.encode()) - begun)
            sender.wait()
    subprocess.run(["mosquitto_pub", "-p", str(options.broker), "-t", "bms/probe/status", "-n"], check=True)
    return sorted(results)


def schemas(options):
    """Every answer of the API has the documented shape."""
    import jsonschema  # Debian's python3-jsonschema.

    with open(os.path.join(check_page.ROOT, "docs/web-api.json"), encoding="utf-8") as file:
        document = json.load(file)
    history = "api/history/garage"

    def validate(name, value, what):
        faults = list(jsonschema.Draft202012Validator({"$ref": "#/$defs/" + name, "$defs": document["$defs"]}).iter_errors(value))
        check(not faults, f"{what} has the shape of docs/web-api.json", faults[0].message[:200] if faults else name)

    for name, address in {"batteries": "api/batteries", "battery": "api/batteries/garage", "session": "session", "words": "api/words?language=fr", "error": "api/nothing",
                          "series": history + "?from=0&to=4e9&series=soc,voltage,current,power,cvl,ccl,dcl,cell_min,cell_max,temperature_min,temperature_max,resistance",
                          **{one: f"{history}/{one}?from=0&to=4e9" for one in ("cells", "days", "months", "changes", "events")}}.items():
        try:
            with urllib.request.urlopen(options.url + address, timeout=10) as answer:
                value = json.load(answer)
        except urllib.error.HTTPError as error:
            value = json.load(error)
        validate(name, value, address.split("?")[0])
    awaited, event, end = {"batteries", "rows", "document", "happened"}, "", time.monotonic() + 30
    with urllib.request.urlopen(options.url + "events?battery=garage", timeout=20) as stream:
        subprocess.run(["mosquitto_pub", "-p", str(options.broker), "-t", "bms/garage/event", "-m", '{"event":"test","text":"a test","time":1.5}'], check=True)
        while awaited and time.monotonic() < end:
            line = stream.readline().decode()
            if line.startswith("event: "):
                event = line[7:].strip()
                if event == "rows" and "batteries" in awaited:
                    event = "batteries"
            elif line.startswith("data: ") and event in awaited:
                awaited.remove(event)
                validate(event, json.loads(line[6:]), "events: " + event)
    check(not awaited, "the stream has every kind of event", ", ".join(awaited) or "all")


def main():
    parser = argparse.ArgumentParser()
    for name in "--program", "--cable", "--url":
        parser.add_argument(name, required=True)
    parser.add_argument("--broker", type=int, required=True)
    parser.add_argument("--web", type=int, required=True)
    parser.add_argument("--pictures")
    options = parser.parse_args()
    pack = simulator(options)
    driver = None
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if row(options)["status"] == "live" and row(options)["soc"] is not None:
                    break
            except OSError:
                pass
            time.sleep(0.2)
        check(row(options)["status"] == "live", "the battery is live")
        check(memory(options.web) < 25, "memory without a viewer, MB", round(memory(options.web), 1))
        check(share(options.web, 10) < 1, "processor without a viewer, percent", round(share(options.web, 10), 2))
        # The history is written once a minute.
        end = time.monotonic() + 90
        while time.monotonic() < end and not recorded(options):
            time.sleep(1)
        check(recorded(options), "the history has a sample")
        schemas(options)
        driver = browser.Browser()
        checks = check_page.Checks(driver, options.url, options.pictures)
        check_page.any_server(checks, "garage")
        page = checks.open("battery/garage")
        check(page.until(LIVE), "values are shown")
        soc = row(options)["soc"]
        check(page.says(f"{soc:.0f} %"), "the state of charge is that of the broker", soc)
        page.until("window.before = document.body.innerText, true")
        check(page.until("document.body.innerText !== window.before", 15), "numbers change")
        pack.kill()
        pack.wait()
        begun = time.monotonic()
        check(page.until(STALE, 20), "a pulled cable is said")
        took = time.monotonic() - begun
        check(took < 12, "a pulled cable is said within 12 s", round(took, 1))
        check(page.run("document.querySelector('.node .value').textContent === '–'"), "nothing looks live then")
        pack = simulator(options)
        begun = time.monotonic()
        check(page.until(LIVE, 60), "the cable is back: live again", round(time.monotonic() - begun, 1))
        page.close()
        before = memory(options.web)
        for number in range(3000):
            hostile = urllib.request.Request(f"{options.url}api/batteries/{number}?a={number}", data=b"x" * 12_000, method="POST")
            try:
                urllib.request.urlopen(hostile, timeout=10)
            except urllib.error.HTTPError:
                pass
        check(memory(options.web) - before < 3, "memory after 3,000 requests with a body, MB more", round(memory(options.web) - before, 1))
        results = delays(options, 20)
        check(results[-1] < 1, "broker to browser, s", f"median {results[len(results) // 2]:.3f}, most {results[-1]:.3f}")
        stop = threading.Event()
        for _ in range(10):
            threading.Thread(target=viewer, args=(options.url, stop), daemon=True).start()
        time.sleep(1)
        check(share(options.web, 10) < 2, "processor with ten viewers, percent", round(share(options.web, 10), 2))
        check(memory(options.web) < 40, "memory with ten viewers, MB", round(memory(options.web), 1))
        stop.set()
    finally:
        pack.kill()
        if driver:
            driver.close()
    print("all is well" if not check_page.failures else f"{len(check_page.failures)} failed")
    return 1 if check_page.failures else 0


if __name__ == "__main__":
    sys.exit(main())
