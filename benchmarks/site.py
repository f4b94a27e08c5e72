"""Measure `caniload site build` and what a reader waits for.

    python benchmarks/site.py [ROUNDS]

Builds the site of the full catalogue twice into a temporary folder (a first build, and one with
nothing changed), adds up what the front page transfers, gzip as hosts compress it, and asks a
headless Chromium for the largest contentful paint at 10 Mbit/s, 40 ms of latency and a CPU slowed
4 times, ROUNDS times, from a server on loopback that does not compress: the slower case. The floor
beside the build is writing the same files with `shutil.copytree`. Needs playwright and Chromium.
Prints one JSON document; exits 1 where a limit is broken.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

BUILD_SECONDS, FRONT_BYTES, INDEX_BYTES, PAINT_SECONDS = 60.0, 150_000, 1_000_000, 1.5
MBIT, LATENCY_MS, SLOWED = 10, 40, 4
PAGES = ("", "models/all-minilm-l6-v2/", "sources/hf/google-bert/bert-base-uncased/", "choose/")
_PAINT = """
new Promise((done) => new PerformanceObserver((list) => {
  window.painted = list.getEntries().at(-1).startTime;
}).observe({type: "largest-contentful-paint", buffered: true}) ?? setTimeout(
  () => done(window.painted), 1500))
"""


def main() -> int:
    """Measure, print, and say whether a limit is broken."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        site = place / "site"
        environ = os.environ | {"CANILOAD_HOME": str(place / "home")}
        first = build(site, environ)
        again = build(site, environ)
        began = time.monotonic()
        shutil.copytree(site, place / "copy")
        copied = time.monotonic() - began
        painted = paints(site, rounds)
        front = front_bytes(site)
        index = (site / "search.json").stat().st_size
        known = json.loads((site / "caniload-site.json").read_text("utf-8"))["files"]
    faults = []
    if first > BUILD_SECONDS:
        faults.append(f"the build took {first:.1f} s, limit {BUILD_SECONDS:.0f}")
    if front["all"] > FRONT_BYTES:
        faults.append(f"the front page is {front['all']} bytes, limit {FRONT_BYTES}")
    if index > INDEX_BYTES:
        faults.append(f"the search index is {index} bytes, limit {INDEX_BYTES}")
    for name, seconds in painted.items():
        if seconds["median"] > PAINT_SECONDS:
            faults.append(f"{name or 'front'} is painted after {seconds['median']:.2f} s")
    print(
        json.dumps(
            {
                "files": len(known),
                "build_seconds": round(first, 2),
                "build_again_seconds": round(again, 2),
                "copy_seconds": round(copied, 2),
                "build_to_copy": round(first / copied, 1),
                "front_gzip_bytes": front,
                "search_index_bytes": index,
                "largest_contentful_paint": painted,
                "load_average": os.getloadavg()[0],
                "faults": faults,
            },
            indent=1,
        )
    )
    return 1 if faults else 0


def build(site: Path, environ: dict[str, str]) -> float:
    """Build as a user does; return the seconds of the whole process."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "caniload", "site", "build", str(site)],
        env=environ,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - began


def front_bytes(site: Path) -> dict[str, int]:
    """Return the compressed bytes of the front page and of all that it loads before a search."""
    names = ["index.html", "static/site.css", "static/parts.css", "static/site.js",
             "static/search.js", "static/icon.svg"]  # fmt: skip
    sizes = {name: len(gzip.compress((site / name).read_bytes(), 6)) for name in names}
    return sizes | {"all": sum(sizes.values())}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def paints(site: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Return the largest contentful paint of some pages in seconds: median and worst."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is missing")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found: dict[str, dict[str, float]] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in PAGES:
            seen = [
                paint(browser, f"http://127.0.0.1:{server.server_port}/{name}")
                for _ in range(rounds)
            ]
            found[name] = {
                "median": round(statistics.median(seen), 3),
                "worst": round(max(seen), 3),
            }
        browser.close()
    server.shutdown()
    return found


def paint(browser: Any, address: str) -> float:
    """Open a page in a fresh, slowed context; return its largest contentful paint in seconds."""
    context = browser.new_context(viewport={"width": 412, "height": 823})
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": MBIT * 1e6 / 8,
            "uploadThroughput": MBIT * 1e6 / 8,
        },
    )
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    page.goto(address, wait_until="load")
    milliseconds = page.evaluate(_PAINT)
    context.close()
    return float(milliseconds) / 1000


if __name__ == "__main__":
    raise SystemExit(main())
