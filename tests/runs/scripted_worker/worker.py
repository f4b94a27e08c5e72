"""A worker that does what its job's hint `script` says: the parent's tests are written in it."""

import json
import os
import sys
import time


def main(job_fd, event_fd):
    with os.fdopen(job_fd, encoding="utf-8") as file:
        job = json.load(file)
    script = job["hints"].get("script", "pass_")
    worker = Worker(job, event_fd)
    getattr(worker, script)(**job["hints"].get("arguments", {}))


class Worker:
    def __init__(self, job, event_fd):
        self.job = job
        self.fd = event_fd

    def send(self, event, **fields):
        self.raw(json.dumps({"event": event, **fields}).encode() + b"\n")

    def raw(self, data):
        while data:
            data = data[os.write(self.fd, data) :]

    def hello(self):
        self.send("hello", protocol=1, python=sys.version.split()[0], pid=os.getpid())
        self.send("stage", stage="import")
        self.send("stage_done", stage="import", seconds=0.0)
        self.send("stage", stage="load")

    def checks(self, status="passed"):
        for name in ("weights", "device", "output"):
            self.send("check", check={"name": name, "status": status, "detail": ""})
        output = {"name": "y", "shape": [1], "dtype": "float32", "mean": 1.0, "rms": 1.0}
        prints = {"recipe_hash": self.job["recipe_hash"], "outputs": [{**output, "samples": [1.0]}]}
        self.send("fingerprint", fingerprint=prints)

    def final(self, outcome="passed", stage="check", message="", code=0):
        level = "pretrained" if outcome == "passed" else None
        self.send("final", outcome=outcome, stage=stage, message=message, evidence_level=level)
        os._exit(code)

    # what tests ask for

    def pass_(self):
        self.hello()
        self.checks()
        self.final()

    def slow_pass(self, seconds):
        self.hello()
        time.sleep(seconds)
        self.checks()
        self.final()

    def beacon_then_pass(self, beacon, seconds):
        """Say which process this is; whoever comes second does not wait."""
        self.hello()
        with open(beacon, "a") as file:
            file.write(str(os.getpid()) + "\n")
        with open(beacon) as file:
            first = len(file.readlines()) == 1
        if first:
            time.sleep(seconds)
        self.checks()
        self.final()

    def write_then_fail(self, path):
        """Pass once: the first leaves a file, and with it there all others fail."""
        if os.path.exists(path):
            return self.fail("it is broken now")
        open(path, "w").close()
        return self.pass_()

    def hang(self):
        self.hello()
        os.write(1, b"still here\n")
        time.sleep(3600)

    def hang_after_final(self):
        self.hello()
        self.checks()
        self.send("final", outcome="passed", stage="check", evidence_level="pretrained")
        time.sleep(3600)

    def segfault(self):
        self.hello()
        import ctypes

        ctypes.string_at(0)

    def raise_signal(self, number):
        self.hello()
        os.kill(os.getpid(), number)
        time.sleep(60)

    def silent_exit(self, code=0):
        os._exit(code)

    def exit_without_final(self, code=3):
        self.hello()
        os._exit(code)

    def exit_after_final(self, code):
        self.hello()
        self.checks()
        self.final(code=code)

    def flood(self, megabytes):
        self.hello()
        line = b"x" * 99 + b"\n"
        block = line * 10_000
        os.write(1, b"the first line\n")
        for _ in range(megabytes):
            data = block
            while data:
                data = data[os.write(1, data) :]
        os.write(1, b"the last line\n")
        self.checks()
        self.final()

    def leave_children(self, beacon):
        import subprocess

        self.hello()
        for detach in (False, True):
            code = f"import time\nwhile True:\n open({beacon!r}, 'a').write('.'); time.sleep(.02)"
            subprocess.Popen([sys.executable, "-c", code], start_new_session=detach)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(3600)
            os._exit(0)
        while not os.path.exists(beacon):
            time.sleep(0.01)
        self.checks()
        self.final()

    def allocate(self, megabytes):
        self.hello()
        held = []
        for _ in range(megabytes):
            held.append(b"\1" * 1_000_000)
            time.sleep(0.001)
        time.sleep(0.3)
        self.checks()
        self.final()

    def fork_many(self, wanted):
        self.hello()
        made = 0
        try:
            for _ in range(wanted):
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                made += 1
        except OSError:
            pass
        self.send("number", name="made", value=made)
        self.checks()
        self.final()

    def read_status(self):
        self.hello()
        with open("/proc/self/status") as file:
            self.send("fact", name="status", value=file.read())
        self.checks()
        self.final()

    def garbled(self, text):
        self.hello()
        self.raw(text.encode())
        time.sleep(3600)

    def long_event(self):
        self.hello()
        self.raw(b'{"event": "fact", "name": "a", "value": "' + b"x" * (2 << 20))
        time.sleep(3600)

    def cut_short(self):
        self.hello()
        self.raw(b'{"event": "fin')
        os._exit(0)

    def two_finals(self):
        self.hello()
        self.checks()
        for _ in range(2):
            self.send("final", outcome="passed", stage="check")
        os._exit(0)

    def fail(self, message):
        self.hello()
        os.write(1, message.encode() + b"\n")
        chain = [{"type": "ValueError", "message": message, "relation": "raised"}]
        self.send("exceptions", exceptions=chain)
        self.send("fact", name="where", value=message)
        self.final("failed", "load", message)

    def reach(self, port):
        import socket

        self.hello()
        self.tell(lambda: socket.create_connection(("127.0.0.1", port), 2).close())

    def write(self, path):
        self.hello()
        self.tell(lambda: open(path, "a").close())

    def read(self, path):
        self.hello()
        self.tell(lambda: open(path).close())

    def scribble(self):
        self.hello()
        places = (os.environ["HOME"], os.environ["TMPDIR"], "/tmp", os.getcwd())
        for number, place in enumerate((*places, self.job["blob_to"])):
            with open(os.path.join(place, f"scribble-{number}"), "w") as file:
                file.write("x")
        self.checks()
        self.final()

    def tell(self, action):
        try:
            action()
            told = "succeeded"
        except OSError as error:
            told = "failed: " + type(error).__name__
        self.send("fact", name="told", value=told)
        self.checks()
        self.final()

    def environ(self):
        self.hello()
        self.send("fact", name="environ", value=json.dumps(dict(os.environ)))
        self.send("fact", name="stdin", value=repr(sys.stdin.read()))
        self.checks()
        self.final()

    def blob(self, sha256, content):
        self.hello()
        with open(os.path.join(self.job["blob_to"], sha256 + ".npz"), "w") as file:
            file.write(content)
        self.checks()
        prints = {"recipe_hash": self.job["recipe_hash"], "outputs": [], "blob_sha256": sha256}
        self.send("fingerprint", fingerprint=prints)
        self.final()

    def export(self, name, content):
        self.hello()
        with open(os.path.join(self.job["export_to"], name), "w") as file:
            file.write(content)
        self.send("exported", root=self.job["export_to"], files=[])
        self.final(stage="export")

    def read_artefact(self, name):
        self.hello()
        with open(os.path.join(self.job["artefact"]["root"], name)) as file:
            self.send("fact", name="content", value=file.read())
        self.checks()
        self.final()

    def twice(self, counter):
        """End without a word the first time, pass the second."""
        self.hello()
        with open(counter, "a") as file:
            file.write(".")
        if os.path.getsize(counter) < 2:
            os._exit(1)
        self.checks()
        self.final()

    def fail_but_end(self, counter, at, message):
        """Fail each time, but for one that ends without a word."""
        self.hello()
        with open(counter, "a") as file:
            file.write(".")
        if os.path.getsize(counter) == at:
            os._exit(1)
        chain = [{"type": "ValueError", "message": message, "relation": "raised"}]
        self.send("exceptions", exceptions=chain)
        self.final("failed", "load", message)

    def own_kill(self):
        self.hello()
        os.kill(os.getpid(), 9)
