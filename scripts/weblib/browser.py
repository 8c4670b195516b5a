"""Drives a real chromium without a window over the pipe of its DevTools protocol; needs nothing but Debian's chromium."""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time


class Browser:
    def __init__(self, binary=None):
        binary = binary or shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
        self.folder = tempfile.mkdtemp(prefix="page-browser-")
        down_read, self.down = os.pipe()
        self.up, up_write = os.pipe()
        command = (f'exec "$0" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars --disable-background-networking '
                   f'--disable-component-update --user-data-dir="$1" --remote-debugging-pipe about:blank 3<&{down_read} 4>&{up_write}')
        self.process = subprocess.Popen(["bash", "-c", command, binary, self.folder], pass_fds=(down_read, up_write), start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(down_read)
        os.close(up_write)
        self.changed = threading.Condition()
        self.number, self.answers, self.pages = 0, {}, {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        rest = b""
        while data := os.read(self.up, 1 << 20):
            *messages, rest = (rest + data).split(b"\0")
            for message in map(json.loads, messages):
                with self.changed:
                    if "id" in message:
                        self.answers[message["id"]] = message
                    elif page := self.pages.get(message.get("sessionId")):
                        page.take(message["method"], message["params"])
                    self.changed.notify_all()

    def call(self, method, session=None, patience=60, **parameters):
        with self.changed:
            self.number += 1
            number = self.number
            os.write(self.down, json.dumps({"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})).encode() + b"\0")
            if not self.changed.wait_for(lambda: number in self.answers, patience):
                raise TimeoutError(f"the browser does not answer {method}")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def page(self, **options):
        return Page(self, **options)

    def close(self):
        try:
            self.call("Browser.close", patience=5)
            self.process.wait(10)
        except (OSError, TimeoutError, RuntimeError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


# Runs before the page's own script: when the first figure of a battery is to be read, and how much moved of what was drawn.
WATCH = """
window.seen = {first: null, shift: 0};
new MutationObserver((_, me) => {
  const main = document.getElementById("main");
  if (main && /\\d\\u00a0(%|W|V)/.test(main.textContent)) { window.seen.first = performance.now(); me.disconnect(); }
}).observe(document, {subtree: true, childList: true, characterData: true});
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.seen.shift += entry.value; }).observe({type: "layout-shift", buffered: true});
"""


class Page:
    """A tab with a memory and cookies of its own."""

    def __init__(self, browser, width=1280, height=900, dark=False, language="en", phone=False):
        self.browser, self.width, self.height = browser, width, height
        self.errors, self.bytes, self.requests = [], 0, {}
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        self.context = context
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.call(domain + ".enable")
        self.size(width, height, phone)
        self.scheme(dark)
        self.call("Emulation.setLocaleOverride", locale=language)
        self.call("Network.setUserAgentOverride", userAgent="check", acceptLanguage=language)
        self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def size(self, width, height, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def scheme(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def take(self, method, parameters):
        if method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.errors.append("console: " + " ".join(str(one.get("value", one.get("description"))) for one in parameters["args"]))
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append("log: " + parameters["entry"]["text"] + " " + parameters["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.requests[parameters["requestId"]] = [parameters["request"]["url"], 0]
        elif method == "Network.dataReceived":
            size = parameters["dataLength"]
            self.bytes += size
            self.requests.setdefault(parameters["requestId"], ["", 0])[1] += size

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "the script failed"))
        return answer["result"].get("value")

    def until(self, script, patience=15):
        """Waits until an expression holds; false if it never does."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                if self.run(script):
                    return True
            except RuntimeError:
                pass  # The page is between two documents.
            time.sleep(0.05)
        return False

    def says(self, text, patience=15):
        return self.until(f"document.body && document.body.innerText.replace(/\\u00a0/g, ' ').includes({json.dumps(text)})", patience)

    def key(self, name, shift=False):
        code = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Escape": 27}[name]
        more = {"text": "\r"} if name == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, code=name, windowsVirtualKeyCode=code, modifiers=8 if shift else 0, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=code, modifiers=8 if shift else 0)

    def picture(self, path, whole=True):
        more = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            more = {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}}
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png", **more)["data"])
        with open(path, "wb") as file:
            file.write(data)

    def tree(self):
        """The accessibility tree as (role, name, id) of each node."""
        return [(node["role"]["value"], node.get("name", {}).get("value", ""), node["nodeId"]) for node in self.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"] and "role" in node]

    def close(self):
        self.browser.pages.pop(self.session, None)
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
