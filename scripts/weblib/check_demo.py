#!/usr/bin/env python3
"""The page of 'bms-mqtt demo --web': a live battery and the day before it. Started by scripts/check-web."""
import argparse
import json
import os
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import check_page
from check_page import check


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--pictures")
    options = parser.parse_args()
    with urllib.request.urlopen(options.url + "api/history/demo?series=soc,ccl&points=200", timeout=10) as answer:
        series = json.load(answer)["series"]
    means = series["soc"]["mean"]
    known = sum(value is not None for value in means)
    check(len(means) > 100 and known >= len(means) - 2, "a day of history", f"{known} of {len(means)} points")
    with urllib.request.urlopen(options.url + "api/history/demo/changes", timeout=10) as answer:
        names = {change["name"] for change in json.load(answer)["changes"]}
    check(len(names) > 3, "its limits have several reasons", ", ".join(sorted(names)))
    driver = browser.Browser()
    try:
        checks = check_page.Checks(driver, options.url, options.pictures)
        for name, place, more in (("demo", "battery/demo", {"height": 1900}), ("demo-dark", "battery/demo", {"height": 1900, "dark": True}),
                                  ("demo-phone", "battery/demo", {"width": 390, "height": 1700, "phone": True}), ("page-day", "battery/demo/history/day", {"height": 1900})):
            page = checks.open(place, **more)
            check(page.says("Live"), f"{name}: live")
            if "day" not in name:
                known = page.until("document.querySelector('.cells li') && !document.querySelector('.cells [data-kind=unknown]')", 40)
                check(known, f"{name}: every cell is known", "yes" if known else page.run("JSON.stringify([document.visibilityState, documents.cells, model.lost])"))
            if "day" in name:
                check(page.until("document.querySelectorAll('.plot canvas').length > 3"), "plots of today")
            time.sleep(1.5)
            checks.shoot(page, name)
            page.close()
    finally:
        driver.close()
    print("all is well" if not check_page.failures else f"{len(check_page.failures)} failed")
    return 1 if check_page.failures else 0


if __name__ == "__main__":
    sys.exit(main())
