"""A plug-in loader that misbehaves as its job's hints say; one attack a method."""

import os
import subprocess
import sys
import time
from pathlib import Path

from . import artefact
from .loader import CheckResult
from .loader import Loader as Base


class Loader(Base):
    """Load by the method that the job's hints name."""

    frameworks = ("pytorch", "tensorflow")

    def import_(self, job):
        """Each method imports what it needs."""

    def load(self, job):
        return getattr(self, job["hints"]["attack"])(job, artefact.root(job))

    def quiet(self, job, root):
        """Do nothing: the cell after an attack."""

    def survivor(self, job, root):
        """Leave a process in a session of its own, in an environment of its own."""
        beat = job["hints"]["beat"]
        inside = "/tmp/beat"
        code = (
            "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\n"
            f"beat = {beat!r} if os.path.isdir(os.path.dirname({beat!r})) else {inside!r}\n"
            "while True:\n open(beat, 'a').write('.'); time.sleep(.02)\n"
        )
        subprocess.run([sys.executable, "-c", code], env={}, check=True)
        deadline = time.monotonic() + 10
        while not (Path(beat).exists() or Path(inside).exists()):
            if time.monotonic() > deadline:
                raise TimeoutError("the survivor does not beat")
            time.sleep(0.01)

    def reach(self, job, root):
        import socket

        address = ("127.0.0.1", job["hints"]["port"])
        with socket.create_connection(address, 2) as connection:
            connection.sendall(b"reached")

    def count_forks(self, job, root):
        """Fork more often than is allowed, and no more."""
        self.made = 0
        try:
            for _ in range(600):
                if os.fork() == 0:
                    time.sleep(30)
                    os._exit(0)
                self.made += 1
        except OSError:
            pass

    def bomb(self, job, root):
        """The classic; its shells fork as long as they can."""
        os.system("bomb() { bomb | bomb & }; bomb")
        time.sleep(60)

    def settings(self, job, root):
        """List which of the kernel's files below /proc open for writing; none is written."""
        self.open = []
        for top, folders, files in os.walk("/proc"):
            if top == "/proc":
                folders[:] = [each for each in folders if each.isalpha() and each != "self"]
            for path in (Path(top) / name for name in files):
                try:
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                except OSError:
                    continue
                self.open.append(str(path))

    def leave_program(self, job, root):
        """Leave a program that runs as its owner."""
        for place in (os.environ["TMPDIR"], job["blob_to"]):
            path = Path(place) / "program"
            path.write_text("#!/bin/sh\n")
            path.chmod(0o4755)
        time.sleep(1)

    def inputs(self, loaded, job, seed):
        return {"x": [[float(seed % 97)]]}

    def run(self, loaded, inputs, job):
        return {"y": [[value * 2, value] for row in inputs["x"] for value in row]}

    def weights(self, loaded, job):
        return CheckResult.not_applicable("weights", "an attack has none")

    def device(self, loaded, outputs, job):
        return CheckResult("device", "passed", "on cpu")

    def facts(self, loaded, job):
        opened = getattr(self, "open", [])
        return {"forks": getattr(self, "made", 0), "opened": ", ".join(opened)}
