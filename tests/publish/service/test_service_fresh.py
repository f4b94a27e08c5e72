from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
from evidence import MODEL, attempt, record
from serving import Served, Start


def publish(served: Served) -> None:
    subprocess.run(
        [sys.executable, "-m", "caniload", "catalog", "publish"],
        env=served.environ,
        check=True,
        capture_output=True,
        timeout=300,
    )


def test_new_evidence_appears_in_a_stream_of_requests_without_a_failed_one(start: Start) -> None:
    """Finished runs are seen at once, a new generation is swapped in, nothing is left open."""
    served = start("--look", "0.1")
    began = served.get("/healthz").json()["data"]
    paths = (f"/v1/check/{MODEL}", "/v1/models?limit=3", "/v1/runs?limit=2", "/healthz")
    seen: list[tuple[int, int]] = []
    failed: list[str] = []
    stop = threading.Event()

    def stream(path: str) -> None:
        with httpx.Client(base_url=served.url, timeout=60) as client:
            while not stop.is_set():
                try:
                    answer = client.get(path)
                    if answer.status_code != 200:
                        failed.append(f"{path}: {answer.status_code} {answer.text}")
                    seen.append((int(answer.headers["caniload-generation"]), 0))
                except httpx.HTTPError as error:
                    failed.append(f"{path}: {error!r}")

    threads = [threading.Thread(target=stream, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    try:
        for day in range(3):
            run = record(served.home, attempt(), day=day)
            wait_for(served, run)
            assert served.get("/healthz").json()["data"]["newer_runs"] == 1
            publish(served)
            wait_for_generation(served, began["generation"] + day + 1)
            found = served.get("/healthz").json()["data"]
            assert found["newer_runs"] == 0
            assert served.get(f"/v1/runs/{run}").status_code == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert failed == []
    assert len(seen) > 100
    assert {number for number, _ in seen} >= {began["generation"], began["generation"] + 3}
    files = [path for path in opened(served) if path.endswith(".duckdb") and "generations" in path]
    current = f"{began['generation'] + 3:06d}.duckdb"
    assert {Path(path).name for path in files} == {current}


def test_a_store_that_breaks_leaves_the_last_answers_standing(start: Start) -> None:
    served = start("--look", "0.1")
    assert served.get("/v1/check/bert").status_code == 200
    current = served.home / "store" / "CURRENT"
    whole = current.read_text()
    current.write_text("{")
    until = time.monotonic() + 30
    while served.get("/healthz").json()["data"]["status"] != "stale":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert served.get("/v1/check/minilm").status_code == 200
    assert str(served.home) not in served.get("/healthz").text
    current.write_text(whole)
    while served.get("/healthz").json()["data"]["status"] != "ok":
        assert time.monotonic() < until
        time.sleep(0.1)


def wait_for(served: Served, run: str) -> None:
    until = time.monotonic() + 60
    while served.get(f"/v1/runs/{run}").status_code != 200:
        assert time.monotonic() < until, f"run {run} did not appear"
        time.sleep(0.1)


def wait_for_generation(served: Served, number: int) -> None:
    until = time.monotonic() + 60
    while served.get("/healthz").json()["data"]["generation"] != number:
        assert time.monotonic() < until, f"generation {number} did not appear"
        time.sleep(0.1)


def opened(served: Served) -> list[str]:
    """The files that the service has open."""
    found = []
    for link in Path(f"/proc/{served.process.pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:
            continue
    return found
