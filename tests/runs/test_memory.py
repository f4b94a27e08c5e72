"""Control groups of both versions: where they are found, what is written and read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caniload.runs import memory, processes

V1_MOUNTS = """\
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2_MOUNTS = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
SCOPE = "user.slice/user-1000.slice/user@1000.service/app.slice/app-term.scope"


def folder(root: Path, path: str, controllers: str | None = None) -> Path:
    """Make a folder that looks like a control group."""
    made = root / path
    made.mkdir(parents=True, exist_ok=True)
    (made / "cgroup.procs").write_text("")
    if controllers is not None:
        (made / "cgroup.subtree_control").write_text(controllers)
    return made


def test_version_1_is_found_at_our_own_path(tmp_path: Path) -> None:
    own = folder(tmp_path, "sys/fs/cgroup/memory/jobs/7")
    pids = folder(tmp_path, "sys/fs/cgroup/pids")
    found = memory.find("8:pids:/\n4:memory:/jobs/7\n0::/\n", V1_MOUNTS, tmp_path)
    assert found == memory.Hierarchy(1, own, pids)


def test_version_1_inside_a_container_whose_mount_shows_a_part(tmp_path: Path) -> None:
    own = folder(tmp_path, "sys/fs/cgroup/memory")
    mounts = V1_MOUNTS.splitlines()[0].replace(" / /sys", " /docker/abc /sys")
    found = memory.find("4:memory:/docker/abc\n", mounts, tmp_path)
    assert found == memory.Hierarchy(1, own, None)


def test_version_1_where_only_processes_can_be_limited(tmp_path: Path) -> None:
    pids = folder(tmp_path, "sys/fs/cgroup/pids")
    found = memory.find("8:pids:/\n4:memory:/absent\n", V1_MOUNTS, tmp_path)
    assert found == memory.Hierarchy(1, None, pids)
    group = memory.Group(found, 1000)
    assert (group.limits_memory, group.limits_processes) == (False, True)
    assert (pids / group.procs[0].parent.name / "pids.max").read_text() == "512"
    assert (group.current_bytes(), group.peak_bytes(), group.oom_kills()) == (None, None, 0)


def test_version_2_is_found_beside_us_where_controllers_are_shared_out(tmp_path: Path) -> None:
    cgroup = tmp_path / "sys/fs/cgroup"
    folder(cgroup, SCOPE, "")
    shared = folder(cgroup, str(Path(SCOPE).parent), "memory pids\n")
    found = memory.find(f"0::/{SCOPE}\n", V2_MOUNTS, tmp_path)
    assert found == memory.Hierarchy(2, shared, shared)


def test_version_2_without_pids_controller(tmp_path: Path) -> None:
    own = folder(tmp_path / "sys/fs/cgroup", "a", "memory\n")
    assert memory.find("0::/a\n", V2_MOUNTS, tmp_path) == memory.Hierarchy(2, own, None)


def test_none_where_nothing_is_shared_out(tmp_path: Path) -> None:
    folder(tmp_path / "sys/fs/cgroup", "", "")
    folder(tmp_path / "sys/fs/cgroup", "a", "cpu\n")
    assert memory.find("0::/a\n", V2_MOUNTS, tmp_path) is None
    assert memory.find("", "", tmp_path) is None


def test_version_2_limits_and_figures(tmp_path: Path) -> None:
    shared = folder(tmp_path, "shared", "memory pids")
    group = memory.Group(memory.Hierarchy(2, shared, shared), 1000)
    (procs,) = group.procs
    made = procs.parent
    assert (made / "memory.max").read_text() == "1000"
    assert (made / "memory.swap.max").read_text() == "0"
    assert (made / "pids.max").read_text() == str(memory.MAX_PROCESSES)
    assert group.peak_bytes() is None, "kernels before 5.19 keep no peak"
    (made / "memory.peak").write_text("900\n")
    (made / "memory.current").write_text("700\n")
    (made / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n")
    figures = (group.kind, group.peak_bytes(), group.current_bytes(), group.oom_kills())
    assert figures == ("cgroup2", 900, 700, 2)


def test_a_real_group_here_counts_and_is_removed() -> None:
    hierarchy = memory.find()
    if hierarchy is None:
        # A machine without writable groups: the parent samples PSS, see test_processes.
        assert processes.pss_bytes([os.getpid()]) > 0
        return
    group = memory.Group(hierarchy, 64_000_000)
    paths = [path.parent for path in group.procs]
    assert all(path.is_dir() for path in paths)
    assert group.pids() == set()
    assert group.oom_kills() == 0
    group.remove()
    assert not any(path.exists() for path in paths)


def test_groups_of_dead_parents_are_swept(tmp_path: Path) -> None:
    shared = folder(tmp_path, "shared", "memory")
    hierarchy = memory.Hierarchy(2, shared, None)
    (shared / "caniload-999999999-1-0").mkdir()
    live = shared / f"caniload-{os.getpid()}-{processes.start_time(os.getpid())}-0"
    live.mkdir()
    assert memory.sweep(hierarchy) == 1
    assert [path.name for path in shared.glob("caniload-*")] == [live.name]


def test_the_tree_of_a_process_holds_its_children() -> None:
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)
        os._exit(0)
    try:
        assert child in processes.tree(os.getpid())
        assert processes.pss_bytes([child]) > 0
    finally:
        processes.kill([child])
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == 9
    assert processes.pss_bytes([child]) == 0


def test_marked_processes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    environ = {processes.MARKER: "a-test-of-marks"}
    with subprocess.Popen(["/bin/sleep", "60"], env=environ) as child:
        deadline = 100
        while child.pid not in processes.marked("a-test-of-marks") and deadline:
            deadline -= 1
        assert processes.marked("a-test-of-marks") == {child.pid}
        processes.kill([child.pid])
