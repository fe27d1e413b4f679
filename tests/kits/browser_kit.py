"""A headless Chromium without network, driven over a pipe by its DevTools protocol; nothing beside it is needed."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_S = 120  # a browser that does not answer at all: the machine may be busy, so this judges no speed


def find_chromium() -> str | None:
    """Return the Chromium that ``TWIN_CHROMIUM`` names, or the first on the path."""
    return os.environ.get("TWIN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def find_axe() -> Path | None:
    """Return axe-core's script: the file ``TWIN_AXE`` names, or that of a global or local ``npm install axe-core``."""
    folders = (Path.cwd(), Path(__file__).parents[2], Path("/usr/local/lib"), Path("/usr/lib"), Path("/usr/share"))
    places = [Path(os.environ["TWIN_AXE"])] if "TWIN_AXE" in os.environ else []
    places += [folder / "node_modules" / "axe-core" / "axe.min.js" for folder in folders]
    return next((place for place in places if place.is_file()), None)


class Browser:
    """One page of a running Chromium.

    Attributes
    ----------
    console : list of str
        Errors and warnings of the page since it was opened: exceptions, ``console.error``, refused resources.
    requests : list of str
        Addresses that the page asked for.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._buffer, self._number = b"", 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        self.console: list[str] = []
        self.requests: list[str] = []

    def attach(self) -> None:
        """Make the page and listen to it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writing, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._reading], [], [], PATIENCE_S)
            more = os.read(self._reading, 1 << 20) if ready else b""
            if not more:
                raise RuntimeError("Chromium closed the pipe or does not answer")
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        self._events.append(message)
        found = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.console.append(str(found["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if found["type"] in {"error", "warning", "assert"}:
                self.console.append(str(found["args"]))
            case "Log.entryAdded":
                self.console.append(str(found["entry"]))
            case "Network.requestWillBeSent":
                self.requests.append(found["request"]["url"])

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file and wait until it has loaded."""
        self.resize(width, height, dark=dark)
        self.console.clear()
        self.requests.clear()
        self._events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._receive()

    def resize(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Set width and height of the page, px, and light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])

    def paper(self) -> None:
        """Lay the page out as on A4 paper, less its margins; `resize` or `open` ends this."""
        self.resize(688)
        self.call("Emulation.setEmulatedMedia", media="print", features=[])

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression (of a promise, what it resolves to)."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the whole page, or of what a screen shows."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16_000), "scale": 1}
            shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.call("Browser.close")

    def pdf(self) -> bytes:
        """Print the page on A4."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        return base64.b64decode(printed["data"])


@contextlib.contextmanager
def browser(chromium: str) -> Iterator[Browser]:
    """Start a Chromium with an empty profile; it is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        theirs, ours = [], []
        for reads in (True, False):
            ends = os.pipe()
            ours.append(ends[reads])
            theirs.append(fcntl.fcntl(ends[not reads], fcntl.F_DUPFD_CLOEXEC, 10))  # beyond 3 and 4, their places
            os.close(ends[not reads])
        actions = [(os.POSIX_SPAWN_DUP2, end, place) for place, end in enumerate(theirs, 3)]
        actions += [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
        command = [chromium, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = os.posix_spawn(chromium, command, os.environ, file_actions=actions)
        for end in theirs:
            os.close(end)
        try:
            page = Browser(reading=ours[1], writing=ours[0])
            page.attach()
            yield page
            page.close()
        finally:
            for end in ours:  # which ends a browser that has not been closed
                os.close(end)
            os.waitpid(process, 0)
