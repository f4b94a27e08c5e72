"""Time caniload's downloads beside `curl` with `sha256sum` and beside huggingface_hub's snapshot.

One nginx on loopback serves both: a file of 1 GB, and a repository of 200 files by the requests
that a Hugging Face client makes. Each program is a process of its own with an empty cache, its
start counted; they take turns, and the ratios are medians over the rounds of one run.

- `url`: caniload fetches the file and verifies its sha256; curl saves it, sha256sum reads it
- `hf`: caniload fetches the repository and verifies each file; `snapshot_download` fetches it

python benchmarks/download.py [ROUNDS]     needs nginx and curl on PATH, 3 GB of disk
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

LIMITS = {"url": 1.5, "hf": 1.25}
FILE_BYTES = 1_000_000_000
SHARDS, SHARD_BYTES, TEXTS = 150, 256 * 1024, 50
REPOSITORY = "tiny/many"

FETCH = """
import sys
from caniload.handles import parse
from caniload.loaders.fetch import fetch
from caniload.settings import Settings
artefact = fetch(parse(sys.argv[1]), Settings.read())
print(len(artefact.files), sum(fact.size_bytes for fact in artefact.files))
"""

SNAPSHOT = """
import sys
from pathlib import Path
from huggingface_hub import snapshot_download
folder = Path(snapshot_download(sys.argv[1], revision=sys.argv[2]))
sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
print(len(sizes), sum(sizes))
"""

CURL = """
set -e
curl --silent --show-error --fail --output "$2/model.bin" "$1"
echo "$3  $2/model.bin" | sha256sum --check --quiet
echo 1 "$(stat --format=%s "$2/model.bin")"
"""

NGINX = """
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {root}/t1;
    proxy_temp_path {root}/t2;
    fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4;
    scgi_temp_path {root}/t5;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        root {root}/served;
        location = /api/models/{name}/revision/{commit} {{
            default_type application/json;
            alias {root}/info.json;
        }}
        location = /api/models/{name}/tree/{commit} {{
            default_type application/json;
            alias {root}/tree.json;
        }}
        location / {{ add_header X-Repo-Commit {commit}; }}
    }}
}}
"""


def repository(root: Path) -> str:
    """Write 200 files and the hub's two answers about them; return the commit."""
    bodies = {f"extra_{n:02d}.json": json.dumps({"n": [n] * 1000}).encode() for n in range(TEXTS)}
    for number in range(SHARDS):
        entry = {"w": {"dtype": "U8", "shape": [SHARD_BYTES], "data_offsets": [0, SHARD_BYTES]}}
        header = json.dumps(entry).encode()
        body = struct.pack("<Q", len(header)) + header + os.urandom(SHARD_BYTES)
        bodies[f"model-{number + 1:05d}-of-{SHARDS:05d}.safetensors"] = body
    commit = hashlib.sha1(b"".join(sorted(bodies.values()))).hexdigest()
    folder = root / "served" / REPOSITORY / "resolve" / commit
    folder.mkdir(parents=True)
    tree, siblings = [], []
    for path, body in bodies.items():
        (folder / path).write_bytes(body)
        blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        leaf: dict[str, object] = {"type": "file", "path": path, "size": len(body), "oid": blob}
        sibling: dict[str, object] = {"rfilename": path, "size": len(body), "blobId": blob}
        if path.endswith(".safetensors"):
            sha256 = hashlib.sha256(body).hexdigest()
            leaf["lfs"] = {"oid": sha256, "size": len(body), "pointerSize": 130}
            sibling["lfs"] = {"sha256": sha256, "size": len(body), "pointerSize": 130}
        tree.append(leaf)
        siblings.append(sibling)
    info = {"id": REPOSITORY, "modelId": REPOSITORY, "sha": commit, "siblings": siblings,
            "tags": [], "private": False, "gated": False, "disabled": False}  # fmt: skip
    (root / "info.json").write_text(json.dumps(info))
    (root / "tree.json").write_text(json.dumps(tree))
    return commit


def large(root: Path) -> str:
    """Write the file of 1 GB; return its sha256."""
    digest = hashlib.sha256()
    with (root / "served" / "model.bin").open("wb") as out:
        for _ in range(FILE_BYTES // 1_000_000):
            chunk = os.urandom(1_000_000)
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


@contextmanager
def nginx(root: Path, commit: str) -> Iterator[str]:
    """Serve a folder with nginx; give its base address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = root / "nginx.conf"
    config.write_text(NGINX.format(root=root, port=port, name=REPOSITORY, commit=commit))
    if os.geteuid() == 0:  # the worker would drop to nobody, who cannot enter the folder
        config.write_text(f"user root;\n{config.read_text()}")
    command = ["nginx", "-c", str(config), "-e", str(root / "error.log")]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise SystemExit(f"nginx did not start: {(root / 'error.log').read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def timed(command: list[str], environ: dict[str, str], expected: str) -> float:
    """The wall time of one process, which must print how many files and bytes came."""
    began = time.perf_counter()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode or done.stdout.strip() != expected:
        raise SystemExit(f"{command[:3]}: {done.stdout}{done.stderr}; expected {expected}")
    return took


def measure(root: Path, base: str, sha256: str, commit: str, rounds: int) -> dict[str, list[float]]:
    """Let the four programs take turns; the first round warms the disk's cache."""
    fetch = [sys.executable, "-c", FETCH]
    snapshot = [sys.executable, "-c", SNAPSHOT, REPOSITORY, commit]
    one = f"1 {FILE_BYTES}"
    folder = root / "served" / REPOSITORY / "resolve" / commit
    sizes = [path.stat().st_size for path in folder.iterdir()]
    many = f"{len(sizes)} {sum(sizes)}"
    times: dict[str, list[float]] = {}
    for turn in range(rounds + 1):
        for name, expected in (("curl", one), ("url", one), ("snapshot", many), ("hf", many)):
            with tempfile.TemporaryDirectory(dir=root) as own:
                environ = {
                    **{k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
                    "CANILOAD_HOME": own,
                    "HF_HOME": own,
                    "HF_ENDPOINT": base,
                    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                }
                curl = ["bash", "-c", CURL, "curl", f"{base}/model.bin", own, sha256]
                command = {
                    "curl": curl,
                    "url": [*fetch, f"url:{base}/model.bin@sha256-{sha256}"],
                    "snapshot": snapshot,
                    "hf": [*fetch, f"hf:{REPOSITORY}@{commit}#safetensors"],
                }[name]
                took = timed(command, environ, expected)
            if turn:
                times.setdefault(name, []).append(took)
                print(f"round {turn}: {name} {took:.2f} s", file=sys.stderr)
    return times


def main() -> int:
    """Measure and print; 1 where a ratio is over its limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    missing = [name for name in ("nginx", "curl", "sha256sum") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"not on PATH: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        commit = repository(root)
        sha256 = large(root)
        with nginx(root, commit) as base:
            times = measure(root, base, sha256, commit, rounds)
    pairs = {"url": "curl", "hf": "snapshot"}
    ratios = {
        name: statistics.median(a / b for a, b in zip(times[name], times[other], strict=True))
        for name, other in pairs.items()
    }
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
    print(
        json.dumps(
            {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
                "python": platform.python_version(),
                "nginx": version.strip(),
                "rounds": rounds,
                "median_seconds": {n: round(statistics.median(v), 3) for n, v in times.items()},
                "best_seconds": {name: round(min(each), 3) for name, each in times.items()},
                "median_ratio": {name: round(value, 2) for name, value in ratios.items()},
                "limits": LIMITS,
            },
            indent=2,
        )
    )
    return 0 if all(ratios[name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
