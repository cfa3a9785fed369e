"""A real Chromium without a window, spoken to over a pipe in its own protocol (Chrome DevTools Protocol)."""

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import time

from .check import ROOT, Failed

AXE = ROOT / "target" / "tools" / "node" / "node_modules" / "axe-core" / "axe.min.js"
# Every name but loopback ends nowhere: what a page tries to load is seen, and leads to nobody.
NOWHERE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATIENCE = 60


class Browser:
    """One process. What it opens is a `Page`; `end()` is called by the `with` block."""

    def __init__(self, check):
        check.need("chromium")
        if not AXE.exists():
            check.skip(f"{AXE} is missing; ./test installs it")
        self.check = check
        self.axe = AXE.read_text()
        self.number = 0
        self.buffer = b""
        self.events = []

    def __enter__(self):
        theirs_in, self.input = os.pipe()
        self.output, theirs_out = os.pipe()
        profile = self.check.folder / "chromium"
        options = [
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--hide-scrollbars", f"--host-resolver-rules={NOWHERE}", f"--user-data-dir={profile}",
        ]  # fmt: skip
        # It reads its commands from descriptor 3 and answers on 4.
        command = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "chromium", "chromium", *options]
        with (self.check.folder / "chromium.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(theirs_in, theirs_out), start_new_session=True
            )
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        os.close(self.input)
        os.close(self.output)

    def page(self, **options):
        return Page(self, **options)

    def call(self, method, parameters=None, session=None):
        """Sends one command and returns its result; events that come meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self.input, json.dumps(message).encode() + b"\0")
        wanted = self.number
        answer = self.until(lambda message: message.get("id") == wanted, method)
        if "error" in answer:
            raise Failed(f"Chromium refuses {method}: {answer['error']}")
        return answer["result"]

    def until(self, is_wanted, what):
        """The first message that is wanted; the events before it are kept."""
        for index, event in enumerate(self.events):
            if is_wanted(event):
                return self.events.pop(index)
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self.receive(deadline, what)
            if is_wanted(message):
                return message
            if "method" in message:
                self.events.append(message)

    def receive(self, deadline, what):
        while b"\0" not in self.buffer:
            if not select.select([self.output], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failed(f"Chromium: no answer to {what} within {PATIENCE} s")
            read = os.read(self.output, 1 << 20)
            if not read:
                raise Failed("Chromium ended: see chromium.log")
            self.buffer += read
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)


class Page:
    """A tab of its own context. `scripts`: whether a page that is opened has its own; what the check evaluates runs in any case."""

    def __init__(self, browser, scripts=False, agent=None, language="en"):
        self.browser = browser
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = {"url": "about:blank", "browserContextId": context}
        self.target = browser.call("Target.createTarget", target)["targetId"]
        attach = {"targetId": self.target, "flatten": True}
        self.session = browser.call("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")
        self.scripts = scripts
        if agent is None:
            agent = browser.call("Browser.getVersion")["userAgent"]
        self.call("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})

    def call(self, method, parameters=None):
        return self.browser.call(method, parameters, self.session)

    def close(self):
        self.browser.call("Target.closeTarget", {"targetId": self.target})

    def open(self, url):
        """Opens an address and waits until everything of it is there. Dialogs are closed and counted."""
        self.browser.events.clear()
        self.call("Emulation.setScriptExecutionDisabled", {"value": not self.scripts})
        self.call("Page.navigate", {"url": url})
        mine = lambda event: event.get("sessionId") == self.session  # noqa: E731
        names = ("Page.loadEventFired", "Page.javascriptDialogOpening")
        dialogs = 0
        while True:
            event = self.browser.until(lambda event: mine(event) and event.get("method") in names, f"the load of {url}")
            if event["method"] == "Page.loadEventFired":
                break
            dialogs += 1
            self.call("Page.handleJavaScriptDialog", {"accept": False})
        # From here on only the check's own run: axe needs its timers.
        self.call("Emulation.setScriptExecutionDisabled", {"value": False})
        return dialogs

    def requests(self):
        """What was asked for since `open`, that included."""
        self.call("Runtime.evaluate", {"expression": "0"})
        asked = [event for event in self.browser.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in asked if event.get("sessionId") == self.session]

    def screen(self, width, dark, height=900):
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.call("Emulation.setDeviceMetricsOverride", shape)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", {"features": [scheme]})

    def evaluate(self, expression):
        wanted = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        result = self.call("Runtime.evaluate", wanted)
        if "exceptionDetails" in result:
            raise Failed(f"{expression[:80]}: {json.dumps(result['exceptionDetails'])[:500]}")
        return result["result"].get("value")

    def violations(self):
        """What axe-core finds with all of its rules: a line each."""
        if not self.evaluate("typeof axe == 'object'"):
            self.evaluate(self.browser.axe + ";0")
        found = self.evaluate("axe.run().then(found => found.violations.map(one => [one.id, one.impact, one.nodes.map(node => node.html)]))")
        return [f"{rule} ({impact}): {nodes[0][:200]} and {len(nodes) - 1} more" for rule, impact, nodes in found]

    def scrolls_sideways(self):
        return self.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def view(self, kind="png"):
        """What is on the screen."""
        return base64.b64decode(self.call("Page.captureScreenshot", {"format": kind})["data"])

    def screenshot(self, path):
        """The whole page, as PNG."""
        wanted = {"format": "png", "captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", wanted)["data"]))
