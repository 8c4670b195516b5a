#!/usr/bin/env python3
"""Checks the page in a real chromium: against the invented server of this folder in every scene, or against a running server.

usage: scripts/weblib/check_page.py [--pictures FOLDER]          the page alone
       scripts/weblib/check_page.py --url http://127.0.0.1:8080/ [--battery ID] [--pictures FOLDER]     what holds of any server

Needs Debian's chromium and libjs-dygraphs. Exit 1 if anything fails.
"""
import argparse
import json
import os
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
import fake_server

ROOT = fake_server.ROOT
failures = []

# Contrast of each visible text with what is behind it; large or bold text may have less (WCAG 2.2, 1.4.3).
CONTRAST = r"""
(() => {
  const parse = (text) => { const m = text.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((x) => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4).reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let e = element; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0.99) return c; } return [255, 255, 255, 1]; };
  const bad = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element), text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest(".hidden, .skip, :disabled, noscript") || element.tagName === "OPTION") continue;
    const a = light(parse(style.color)), b = light(behind(element)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), need = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < need) bad.set(text.slice(0, 40), ratio.toFixed(2) + " " + element.className);
  }
  return [...bad];
})()
"""
# What the keyboard should reach, and a sign of it.
REACHABLE = r"""
[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")].filter((e) => e.checkVisibility() && !e.closest("noscript")).length
"""
FOCUS = r"""
(() => {
  const e = document.activeElement, style = getComputedStyle(e);
  window.walked ??= new Map();
  if (e === document.body) return null;
  if (!window.walked.has(e)) window.walked.set(e, window.walked.size);
  return [window.walked.get(e), e.tagName + " " + (e.textContent || e.id).slice(0, 30), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
})()
"""


def check(holds, what, more=""):
    print(("  ok   " if holds else "  FAIL ") + what + (f" ({more})" if more != "" else ""), flush=True)
    if not holds:
        failures.append(what)


class Checks:
    def __init__(self, driver, url, pictures):
        self.driver, self.url, self.pictures = driver, url, pictures

    def scene(self, name):
        urllib.request.urlopen(urllib.request.Request(self.url + "scene/" + name, data=b"", method="POST")).read()

    def open(self, place, **options):
        page = self.driver.page(**options)
        page.open(self.url + "#/" + place)
        page.place = place or "overview"
        return page

    def shoot(self, page, name):
        if self.pictures:
            page.picture(os.path.join(self.pictures, name + ".png"))

    def sound(self, page, what):
        """What holds of every page in every state."""
        check(not page.errors, f"{what}: no error, no violation of the policy", "; ".join(page.errors)[:300])
        # A phone's viewport grows with what does not fit, so the window's own width is no measure.
        wide = page.run("document.documentElement.scrollWidth")
        check(wide <= page.width, f"{what}: no horizontal scrolling at {page.width} px", wide)
        for dark in (False, True):
            page.scheme(dark)
            time.sleep(0.3)
            bad = page.run(CONTRAST)
            check(not bad, f"{what}: contrast, {'dark' if dark else 'light'}", str(bad)[:300] if bad else "")
        page.scheme(False)
        tree = page.tree()
        named = {"link", "button", "textbox", "searchbox", "combobox", "checkbox", "spinbutton", "navigation", "region", "heading"}
        nameless = [role for role, name, _ in tree if role in named and not any(letter.isalnum() for letter in name)]
        check(not nameless, f"{what}: everything has a name", ", ".join(nameless))
        roles = [role for role, _, _ in tree]
        missing = {"banner", "main", "contentinfo"} - set(roles)
        check(not missing and roles.count("heading") > 0, f"{what}: landmarks and headings", ", ".join(missing))

    def keyboard(self, page, what, most=120):
        total, last, visible = page.run(REACHABLE), -1, True
        reached = set()
        page.run("window.walked = undefined; document.activeElement.blur()")
        for _ in range(min(most, total + 4)):
            page.key("Tab")
            if seen := page.run(FOCUS):
                reached.add(seen[0])
                if not seen[2]:
                    visible = False
                    last = seen[1]
        check(len(reached) >= min(total, most) - 1, f"{what}: the keyboard reaches everything", f"{len(reached)} of {total}")
        check(visible, f"{what}: the focus is always seen", "" if visible else last)

    def first(self, page, what, most):
        shown = page.until("window.seen.first !== null")
        when = page.run("window.seen.first")
        check(shown and when < most, f"{what}: first figures within {most} ms", f"{when and round(when)} ms, {page.bytes / 1000:.0f} kB")

    def busy(self, page, battery):
        """A server that is busy for a while: the plots stay, and are drawn again without a touch."""
        page.run(f"location.hash = '#/battery/{battery}/history/day'")
        page.until("document.querySelectorAll('.plot canvas').length > 3")
        page.run("document.activeElement.blur()")
        page.run("""(() => { window.asked = 0; window.real = fetch; window.fetch = (url, more) => String(url).includes("/changes") && ++asked
            ? Promise.resolve(new Response('{"error": "ask again"}', { status: 503 })) : real(url, more); view.again(); })()""")
        check(page.until("asked > 0"), "history: it is asked for anew")
        time.sleep(1)
        check(page.run("document.querySelectorAll('.plot canvas').length > 3"), "history: a server that is busy takes no plot away")
        page.run("window.first = document.querySelector('.plot canvas'); window.fetch = real")
        check(page.until("document.querySelector('.plot canvas') && document.querySelector('.plot canvas') !== first", 30), "history: it is soon tried again")

    def drag(self, page, plot, across, down):
        """A mouse draws a zoom into a plot."""
        x, y = page.run(f"(() => {{ const p = document.querySelectorAll('.plot')[{plot}]; p.scrollIntoView({{block: 'center'}}); const r = p.getBoundingClientRect(); return [r.left + 300, r.top + 60]; }})()")
        for kind, step in (("mousePressed", 0), *(("mouseMoved", n / 10) for n in range(1, 11)), ("mouseReleased", 1)):
            page.call("Input.dispatchMouseEvent", type=kind, x=x + across * step, y=y + down * step, button="left", buttons=1, clickCount=1)
        return x, y

    def zoom(self, page, battery):
        """A zoom along each axis holds until its end, and an address without a date is today."""
        page.run(f"location.hash = '#/battery/{battery}/history/day/2026-13-01'")
        check(page.until("document.querySelectorAll('.plot canvas').length > 3"), "history: a date that there is not is today")
        time.sleep(0.5)
        axis = lambda plot, name: page.run(f"[...document.querySelectorAll('.plot')[{plot}].querySelectorAll('.dygraph-axis-label-{name}')].map((e) => e.textContent).join()")
        first = [axis(plot, name) for plot in (1, 2) for name in "xy"]
        self.drag(page, 1, 0, 60)
        time.sleep(0.5)
        now = [axis(plot, name) for plot in (1, 2) for name in "xy"]
        check(now[1] != first[1] and now[2:] == first[2:], "history: a vertical drag zooms the values of its plot", now[1])
        check(page.run("view.isZoomed"), "history: what is zoomed vertically is not drawn again")
        x, y = self.drag(page, 1, 200, 0)
        time.sleep(0.5)
        check(axis(1, "x") != first[0] and axis(2, "x") == axis(1, "x"), "history: a horizontal drag zooms all plots", axis(2, "x"))
        for count in (1, 2):
            for kind in ("mousePressed", "mouseReleased"):
                page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=count)
        time.sleep(0.5)
        now = [axis(plot, name) for plot in (1, 2) for name in "xy"]
        check(now[1] == first[1] and now[3] == first[3] and not page.run("view.isZoomed"), "history: a double click ends the zoom", f"{first} {now}")

    def hardships(self, page, battery):
        """A history that comes late, in part or never."""
        fetching = """window.real ??= fetch; window.asked = []; window.fetch = (url, more) => String(url).includes("api/history") && (%s)
            ? (asked.push(more.signal), %s) : real(url, more);"""
        fails = "Promise.resolve(new Response('{\"error\": \"%s\"}', { status: %d }))"
        later = "(() => { const real = Date.now; Date.now = () => real() + 400000; view.again(true); Date.now = real; })()"
        go_to = lambda place: page.run(f"location.hash = '#/battery/{battery}/history/{place}'")
        page.run(fetching % ("true", fails % ("no history is kept", 404)))
        go_to("week")
        check(page.says("no history is kept"), "history: the server's reason is shown where there is none")
        count = page.run("asked.length")
        page.run(later)
        check(page.run("asked.length") == count, "history: what there is not is not asked for again")
        page.run(fetching % ("true", fails % ("ask again", 503)))
        go_to("day")
        check(page.says("ask again"), "history: a busy server is named")
        page.run("window.alert = document.querySelector('main [role=alert]'); window.count = asked.length")
        page.run(later)
        check(page.until("asked.length > count", 5), "history: a busy server is asked again")
        time.sleep(0.5)
        check(page.run("alert === document.querySelector('main [role=alert]')"), "history: the same reason is not said again")
        page.run(fetching % ("/(days|events)/.test(url)", fails % ("ask again", 503)))
        go_to("week")
        check(page.until("document.querySelectorAll('.plot canvas').length > 3", 5), "history: sums and events that fail take no plot away")
        page.run(fetching % ("true", "new Promise(() => {})"))
        go_to("month")
        page.until("asked.length > 0")
        count = page.run("asked.length")
        page.run("view.again(); view.again()")
        check(page.run("asked.length") == count, "history: one drawing at a time")
        go_to("day")
        check(page.until(f"asked.slice(0, {count}).every((one) => one.aborted)", 5), "history: whoever leaves asks no more")
        page.run("window.fetch = real")
        go_to("week")
        page.until("document.querySelectorAll('.plot canvas').length > 3")
        page.run("document.querySelector('.plot').focus()")
        page.key("ArrowLeft")
        page.run("document.activeElement.blur(); window.first = document.querySelector('.plot canvas'); view.again()")
        time.sleep(1)
        check(page.run("first === document.querySelector('.plot canvas')"), "history: a reading that is shown stays")
        check(page.run("(() => { const real = Date.now; Date.now = () => real() + 60000; dispatchEvent(new Event('pageshow')); Date.now = real; return Boolean(model.lost); })()"),
              "after a sleep: nothing looks live, at once")
        page.errors = [one for one in page.errors if "404" not in one and "503" not in one]

    def fingers(self, page):
        """A finger scrolls over a plot, and a tap reads values."""
        page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=1)
        touch = lambda kind, *points: page.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in points])
        place = "(() => { const r = document.querySelector('.plot').getBoundingClientRect(); return [r.left + 200, r.top + 60]; })()"
        x, y = page.run(place)
        touch("touchStart", (x, y))
        for step in range(1, 16):
            touch("touchMove", (x, y - 20 * step))
            time.sleep(0.03)
        touch("touchEnd")
        check(page.until("scrollY > 150", 3), "history: a finger scrolls over a plot", page.run("scrollY"))
        page.run("scrollTo(0, 0)")
        time.sleep(0.5)
        touch("touchStart", page.run(place))
        touch("touchEnd")
        check(page.until("/\\d/.test(document.querySelector('.legend .moment').textContent)", 3), "history: a tap reads values")

    def steady(self, page, what):
        """Numbers change, and nothing moves."""
        time.sleep(1.5)
        page.run("window.seen.shift = 0; window.before = document.body.innerText")
        changed = page.until("document.body.innerText !== window.before", 20)  # A steady pack says something each ten seconds.
        time.sleep(3)
        shift = page.run("window.seen.shift")
        check(changed, f"{what}: numbers arrive")
        check(shift < 0.001, f"{what}: nothing moves while numbers change", round(shift, 4))


def any_server(checks, battery):
    """What holds of any server with a battery."""
    for width in (1280, 390, 320):
        page = checks.open("", width=width, phone=width < 500)
        checks.first(page, f"overview at {width} px", 2500)
        checks.sound(page, f"overview at {width} px")
        page.close()
        page = checks.open("battery/" + battery, width=width, phone=width < 500)
        checks.first(page, f"battery at {width} px", 2500)
        if width == 1280:
            checks.steady(page, "battery")
            checks.keyboard(page, "battery")
        checks.sound(page, f"battery at {width} px")
        page.close()
        page = checks.open(f"battery/{battery}/history", width=width, phone=width < 500)
        check(page.until("document.querySelectorAll('.plot canvas').length > 3"), f"history at {width} px: plots appear")
        time.sleep(0.5)
        checks.sound(page, f"history at {width} px")
        page.until("document.querySelectorAll('.plot canvas').length > 3")  # Plots were drawn again in other colours.
        time.sleep(0.5)
        if width == 390:
            checks.fingers(page)
        if width == 1280:
            check(page.run("performance.getEntriesByType('resource').some((e) => e.name.includes('dygraph.min.js'))"), "history: the plotter is loaded when it is needed")
            checks.keyboard(page, "history")
            page.run("document.querySelector('.plot').focus()")
            page.key("ArrowLeft")
            check(page.until("/\\d/.test(document.querySelector('.legend').textContent)", 3), "history: arrow keys read values")
            page.run("document.querySelector('.step a').focus()")
            page.key("Enter")
            check(page.until("document.activeElement.tagName === 'STRONG'"), "history: the day before has the focus on its name")
            checks.busy(page, battery)
            checks.zoom(page, battery)
            checks.hardships(page, battery)
            page.run(f"location.hash = '#/battery/{battery}/history/day/2001-01-01'")
            check(page.says("Nothing was recorded in this time.") and page.run("!document.querySelector('.plot')"), "history: a time without data says so")
        page.close()
    for language, word in (("de", "Jetzt"), ("nl", "Verloop"), ("fr", "Maintenant")):
        page = checks.open("battery/" + battery, language=language)
        check(page.says(word), f"{language}: the browser's language is taken")
        page.run("""(() => { window.missing = new Set(); words = new Proxy(words, {get: (all, key) => { if (typeof key === "string" && !(key in all)) missing.add(key); return all[key]; }}); go(true); })()""")
        time.sleep(2)
        for place in ("history/year", "settings", "history/week", "history/day"):
            page.run(f"location.hash = '#/battery/{battery}/{place}'")
            time.sleep(1)
        missing = page.run("[...missing].filter((key) => /[a-z]{2}/.test(key))")
        check(not missing, f"{language}: every word is translated", ", ".join(missing))
        page.run("(() => { const s = document.getElementById('language'); s.value = 'en'; s.dispatchEvent(new Event('change')); })()")
        check(page.says("History"), f"{language}: English is chosen")
        page.open(checks.url + "?again#/battery/" + battery)
        check(page.says("History"), f"{language}: the choice is remembered")
        page.close()
    page = checks.open("battery/" + battery)
    page.until("window.seen.first !== null")
    check(not page.run("performance.getEntriesByType('resource').some((e) => e.name.includes('dygraph'))"), "battery: no plotter before a plot")
    page.close()


def scenes(checks):
    """The page alone, with the invented server in every scene."""
    def at(scene, place, *said, **options):
        checks.scene(scene)
        page = checks.open(place, **options)
        for text in said:
            check(page.says(text), f"{scene}: says \"{text}\"")
        return page

    dashes = "[...document.querySelectorAll('.value')].every((e) => e.textContent === '–')"
    garage = "battery/garage"
    expected = {
        "healthy": ["Live", "target of 16 x 3.450 V", "Next: cell rating, 140.0 A", "Calibrated", "limits are sent"],
        "balancing": ["Charge mode: balancing", "cell 4 at 3.440 V leads the pack"],
        "fault": ["Alarm", "never calibrated", "set limits.fuse", "does not follow its command", "Cell imbalance"],
        "stale": ["nothing comes from the BMS since", "safe fallback", "is the cable plugged in"],
        "hung": ["Not live since", "the limits are not repeated any more"],
        "offline": ["Offline since", "left the bridge"],
        "bank": ["Packs of this bank", "one pack (Cellar battery)"],
    }
    for scene, said in expected.items():
        page = at(scene, "battery/house" if scene == "bank" else garage, *said)
        time.sleep(1)
        checks.sound(page, scene)
        for dark in (False, True):
            page.scheme(dark)
            checks.shoot(page, f"{scene}-{'dark' if dark else 'light'}")
            page.size(390, 844, True)
            checks.shoot(page, f"{scene}-phone-{'dark' if dark else 'light'}")
            page.size(1280, 900)
        if scene == "stale":
            check(page.run("document.querySelector('.node .value').textContent === '–' && document.querySelectorAll('.limit .value')[1].textContent.startsWith('0')"), "stale: no measurement, but the limits that the bridge asks for")
        if scene == "offline":
            check(page.run(dashes), "offline: no value at all")
        if scene == "fault":
            check(page.run("document.querySelectorAll('.cells [data-kind=too-low]').length === 1 && document.querySelectorAll('.cells [data-kind=too-high]').length === 1"), "fault: a cell is too low and one too high")
            names = [name for role, name, _ in page.tree() if role == "StaticText"]
            check("too low" in names and "too high" in names, "fault: a screen reader hears which")
        page.close()

    page = at("healthy", garage, "Live")
    page.until("window.seen.first !== null")
    for scene, text in (("stale", "nothing comes from the BMS since"), ("healthy", "95"), ("broker", "No connection to the MQTT broker: nothing is live since"), ("bridge", "the bridge program is not running"), ("nobody", "no bridge program on this MQTT topic since"), ("healthy", "Live")):
        checks.scene(scene)
        check(page.says(text), f"an open page, then {scene}: \"{text}\"")
        if scene in ("broker", "bridge", "nobody"):
            check(page.run("document.body.dataset.live") == "no", f"{scene}: a warning")
            check(page.until(dashes, 3), f"{scene}: no value looks live")
    checks.scene("gone")
    check(page.says("Trying again.") and page.says("since"), "server gone: says so, since when")
    check(page.until(dashes, 3), "server gone: no value looks live")
    checks.shoot(page, "gone-light")
    page.errors = [one for one in page.errors if "503" not in one]
    checks.sound(page, "server gone")
    checks.scene("healthy")
    check(page.until("document.body.dataset.live === 'yes'", 20), "server back: live again")
    checks.scene("mute")
    begun = time.monotonic()
    check(page.says("The server is silent", 30), "a silent stream: the page says so")
    check(15 < time.monotonic() - begun < 26, "a silent stream: after about 20 s", round(time.monotonic() - begun))
    check(page.run(dashes), "a silent stream: no value looks live")
    page.close()

    checks.scene("fleet")
    page = checks.open("")
    checks.first(page, "1,000 batteries", 2500)
    check(page.says("997 live") or page.says("998 live"), "1,000 batteries: counts")
    check(page.run("document.querySelectorAll('.cards li').length === 1000 && document.querySelectorAll('.meter').length < 100"), "1,000 batteries: only what is visible is heavy", page.run("document.querySelectorAll('.meter').length"))
    for dark in (False, True):
        page.scheme(dark)
        if checks.pictures:
            page.picture(os.path.join(checks.pictures, f"fleet-{'dark' if dark else 'light'}.png"), whole=False)
    page.run("(() => { const s = document.getElementById('search'); s.value = 'site 0404'; s.dispatchEvent(new Event('input')); })()")
    check(page.says("1 of 1,000 shown") and page.says("Offline since"), "1,000 batteries: found by name")
    checks.sound(page, "1,000 batteries")
    page.close()
    page = at("bank", "", "House")
    check(page.until("document.querySelectorAll('.cards li').length === 3"), "bank: three batteries")
    check(page.run("document.querySelector('.cards h2').textContent === 'House'"), "bank: the bank is first")
    for dark in (False, True):
        page.scheme(dark)
        checks.shoot(page, f"overview-{'dark' if dark else 'light'}")
    page.run("document.querySelector('.cards a').focus()")
    page.key("Enter")
    check(page.until("document.activeElement.tagName === 'H1' && document.activeElement.textContent === 'House'"), "keyboard: a battery opens, and the focus is on its name")
    page.close()

    page = at("healthy", garage, "Live")
    hostile = {"cvl": "<b>1</b>", "ccl": [], "dcl": 5, "chargeState": "constructor", "names": {"cvl": 7}, "reasons": {"cvl": {}, "ccl": "<img src=x>"}, "constraints": 7}
    page.run("(() => { const old = take; take = (event, message, first) => old(event, message.name === 'limits' || message.name === 'state' ? {...message, document: " + json.dumps(hostile)
             + "} : message, first); take('document', {battery: 'garage', name: 'limits', document: {}}, false); take('document', {battery: 'garage', name: 'state', document: {}}, false); })()")
    check(page.says("<img src=x>") and page.until("document.querySelectorAll('main img, main b b').length === 0", 2), "a hostile document: it is text, and the page goes on")
    check(page.run("document.querySelectorAll('.limit .value')[0].textContent === '–'") and page.says("Live"), "a hostile document: what is no number is a dash")
    page.close()

    page = at("commands", garage + "/settings", "Password of this page")
    log_in = "(() => { const p = document.getElementById('password'); p.value = '%s'; p.form.requestSubmit(); })()"
    page.run(log_in % "wrong")
    check(page.says("The password is wrong."), "settings: a wrong password is refused")
    page.errors.clear()  # The browser itself logs the 403.
    page.run(log_in % "secret")
    check(page.says("Charge current ceiling"), "settings: the password opens them")
    check(page.run("document.activeElement.tagName") == "H1", "settings: the focus is on the name of the battery")
    give = "(() => { const i = document.getElementById('set-%s'); i.value = '%s'; i.form.noValidate = true; i.form.requestSubmit(); })()"
    page.run("document.getElementById('set-maxChargeCurrent').form.querySelector('button').focus()")
    page.run(give % ("maxChargeCurrent", 40))
    check(page.says("Accepted: maxChargeCurrent is 40 now") and page.says("now 40"), "settings: a setting is changed, answered and shown")
    check(page.run("document.activeElement.tagName") == "BUTTON", "settings: the focus stays on the button")
    page.run(give % ("maxChargeCurrent", 400))
    check(page.says("Refused: maxChargeCurrent must be 0 to 100 A"), "settings: a refusal is shown")
    # Settings that no stream brings, and a first question that fails.
    page.run("""(() => { const old = take, real = fetch; let fails = true;
        take = (event, message, first) => message.name === 'settings' || old(event, message, first);
        window.fetch = (url, more) => fails && String(url).endsWith('api/batteries/garage') ? (fails = false, Promise.reject(new Error('lost'))) : real(url, more);
        documents = {}; go(true); stream.restart(); })()""")
    check(page.says("Loading", 3) and not page.says("has published no settings", 2), "settings: what is not known yet is not said to be absent")
    check(page.says("Charge current ceiling", 12), "settings: a question that failed is asked again")
    checks.sound(page, "settings")
    checks.keyboard(page, "settings")
    checks.shoot(page, "settings-light")
    page.close()
    checks.scene("healthy")
    page = checks.driver.page()
    page.call("Page.addScriptToEvaluateOnNewDocument", source="""window.isHidden = true; Object.defineProperty(document, 'hidden', { get: () => window.isHidden });
        const wait = setTimeout; window.setTimeout = (what, time) => wait(what, time / 20);""")
    page.open(checks.url + "#/" + garage)
    page.until("window.seen.first !== null")
    check(page.until("stream === null", 10), "a page that was never seen frees its connection")
    page.run("isHidden = false; document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    check(page.until("document.body.dataset.live === 'yes'"), "a page that is seen then is live")
    page.close()
    page = checks.open(garage + "/settings")
    check(page.says("This server accepts no commands.") and not page.run("document.querySelectorAll('form').length"), "settings: none where no commands are allowed")
    page.close()
    for name, place, options in (("history-day", "/history/day/2026-11-29", {}), ("history-month", "/history/month/2026-11-01", {"dark": True}), ("history-year-phone", "/history/year/2026-11-01", {"width": 390, "phone": True})):
        page = checks.open(garage + place, **options)
        page.until("document.querySelectorAll('.plot canvas').length > 3")
        time.sleep(0.7)
        checks.shoot(page, name)
        page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--battery")
    parser.add_argument("--pictures")
    parser.add_argument("--chromium")
    options = parser.parse_args()
    if options.pictures:
        os.makedirs(options.pictures, exist_ok=True)
    url = options.url or fake_server.start()[1]
    driver = browser.Browser(options.chromium)
    try:
        checks = Checks(driver, url, options.pictures)
        battery = options.battery
        if not battery:
            with urllib.request.urlopen(url + "api/batteries") as answer:
                battery = next(row["id"] for row in json.load(answer)["batteries"] if not row["bank"])
        any_server(checks, urllib.parse.quote(battery, safe=""))
        if not options.url:
            scenes(checks)
    finally:
        driver.close()
    folder = os.path.join(fake_server.PAGE)
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in ("index.html", "style.css", "app.js"))
    check(size < 60000, "index.html, style.css and app.js are below 60 kB", size)
    print(f"{len(failures)} failed" if failures else "all is well")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
