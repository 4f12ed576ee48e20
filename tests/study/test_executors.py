from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from genoxel.core.errors import MaskError, WorkerError
from genoxel.study.executors import Failure, Pool, Task, usable_cores
from study import toy_work


def collect(pool: Pool, function, tasks):
    found = {}
    pool.run(function, tasks, lambda task, value: found.__setitem__(task.name, value))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_values_and_failures_come_back_by_name(workers):
    with Pool(workers) as pool:
        found = collect(pool, toy_work.picky, [Task(str(n), n) for n in range(6)])
    assert {name: value for name, value in found.items() if not isinstance(value, Failure)} == {
        "0": 0, "1": 2, "2": 4, "5": 10
    }  # fmt: skip
    assert found["3"].kind == "MaskError"
    assert found["3"].expected
    assert "patient P003" in found["3"].reason
    assert isinstance(found["3"].error(), MaskError)
    assert not found["4"].expected
    assert "never seen before" in found["4"].reason
    assert "never seen before" in found["4"].where


@pytest.mark.parametrize("workers", [1, 2])
def test_map_keeps_order_and_raises_the_first_error(workers):
    with Pool(workers) as pool:
        assert pool.map(toy_work.add, [1, 2, 3], [10, 20, 30]) == [11, 22, 33]
        with pytest.raises(MaskError, match="patient P003"):
            pool.map(toy_work.picky, [1, 3])
        with pytest.raises(WorkerError, match="never seen before"):
            pool.map(toy_work.picky, [4])


def test_a_killed_worker_is_retried_once_alone_and_then_recorded(tmp_path):
    names = ["a", "once", "b", "always", "c", "d", "once more", "e"]
    with Pool(2) as pool:
        found = collect(pool, toy_work.killed, [Task(name, (name, str(tmp_path))) for name in names])
    assert {name for name in names if found[name] == name} == set(names) - {"always"}
    assert found["always"].kind == "WorkerError"
    assert not found["always"].expected
    assert "always" in found["always"].reason


@pytest.mark.parametrize("workers", [1, 2])
def test_linear_algebra_runs_on_one_thread(workers):
    before = os.environ.get("OMP_NUM_THREADS")
    with Pool(workers) as pool:
        assert set(pool.map(toy_work.threads, [0])[0]) == {1}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from study import toy_work\n"
        "from genoxel.study.executors import Pool, Task\n"
        "if __name__ == '__main__':\n"
        "    with Pool(2) as pool:\n"
        f"        pool.map(toy_work.sleep_with_pid, [({str(tmp_path)!r}, 60.0)] * 2)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=20)
    assert alive == []


def test_a_script_without_main_guard_is_told_so(tmp_path):
    script = tmp_path / "naked.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from study import toy_work\nfrom genoxel.study.executors import Pool\n"
        "with Pool(2) as pool:\n    pool.map(toy_work.double, [1, 2])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "__name__ == '__main__'" in done.stderr


def test_an_error_inside_the_block_stops_the_workers(tmp_path):
    def stop(task, value):
        raise KeyboardInterrupt

    tasks = [Task(str(seconds), (str(tmp_path), seconds)) for seconds in (0.2, 60.0)]
    with pytest.raises(KeyboardInterrupt), Pool(2) as pool:
        pool.run(toy_work.sleep_with_pid, tasks, stop)
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_worker_killed_while_it_had_nothing_to_do_is_replaced():
    with Pool(2) as pool:
        assert pool.map(toy_work.double, [1, 2]) == [2, 4]
        for worker in pool._crew:
            worker.process.kill()
        assert pool.map(toy_work.double, [1, 2, 3]) == [2, 4, 6]


def test_what_cannot_cross_to_a_worker_or_back_is_a_failure_by_name():
    with Pool(2) as pool:
        found = collect(pool, toy_work.not_to_be_sent, [Task("back", 1), Task("fine", 2)])
        assert found["fine"] == 2
        assert "unexpected" in found["back"].reason
        found = collect(pool, toy_work.double, [Task("there", toy_work.Fragile()), Task("fine", 2)])
        assert found["fine"] == 4
        assert "cannot be read" in found["there"].reason


def test_a_pool_serves_as_an_executor():
    with Pool(2) as pool:
        assert list(pool.executor().map(toy_work.add, [1, 2], [3, 4])) == [4, 6]


def test_cores():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert Pool(0).workers == 1
