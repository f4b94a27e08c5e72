"""Run many workers from one process that has only imported: one fork a job, as DESIGN measured.

Usage: zygote.py FILE. FILE is JSON: {"code": dir, "preload": [...], "jobs": [{"scratch", "job"
| "code"}]}. Each child is a worker as it would be in a fresh process, or runs a snippet and
writes `output` as JSON.
"""

import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path

plan = json.loads(Path(sys.argv[1]).read_text())
sys.path.insert(0, plan["code"])
del sys.path[1]
for name in plan["preload"]:
    importlib.import_module(name)


def snippet(code, scratch):
    scope = {"__name__": "__main__"}
    exec(compile(code, "snippet", "exec"), scope)
    output = scope["output"]
    if hasattr(output, "detach"):
        output = output.detach().cpu().numpy()
    import numpy

    output = numpy.asarray(output)
    values = output.astype("float64").ravel().tolist()
    (scratch / "output.json").write_text(json.dumps({"shape": output.shape, "values": values}))


def child(item):
    scratch = Path(item["scratch"])
    log = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(scratch / "cwd")
    if "code" in item:
        snippet(item["code"], scratch)
        os._exit(0)
    from caniload_smoke.worker import main

    job = os.open(scratch / "job.json", os.O_RDONLY)
    events = os.open(scratch / "events", os.O_WRONLY | os.O_CREAT)
    main(job, events)


for item in plan["jobs"]:
    pid = os.fork()
    if pid == 0:
        try:
            child(item)
        except BaseException:  # noqa: BLE001 (a fork must never return into the parent's code)
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(99)
    deadline = time.monotonic() + 120
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            status = 9
            break
        time.sleep(0.02)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
    (Path(item["scratch"]) / "exit").write_text(str(code))
os._exit(0)
