"""A stopped self-test goes on where it was, and tells the same as one that was never stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from genoxel.core.errors import BusyError, WorkerError
from genoxel.study.engine import Engine
from genoxel.study.executors import Pool
from genoxel.study.ledger import Ledger
from genoxel.study.lock import StudyLock
from genoxel.study.progress import Progress
from genoxel.study.selftest import run, selftest
from genoxel.study.selftest.kept import PIECES, Kept
from genoxel.study.selftest.stats import QUICK, one_screen, screen_rows

done: list[int] = []
broken: set[int] = set()


def squared(number: int) -> tuple[int, float]:
    done.append(number)
    if number in broken:
        raise RuntimeError("the power is out")
    return number, number**2 / 3


@pytest.fixture
def kept(tmp_path):
    done.clear()
    broken.clear()
    with Pool(1) as pool, Ledger(tmp_path) as ledger:
        yield lambda words=(1,): Kept(Engine(ledger, pool, Progress()), "stats", words)


def test_what_is_finished_is_not_done_again(kept):
    broken.add(7)
    with pytest.raises(WorkerError, match="the power is out"):
        kept()(squared, range(10))
    assert sorted(done) == list(range(10))  # a broken piece does not stop the others
    broken.clear()
    done.clear()
    again = kept()
    assert again(squared, range(10)) == [[number, number**2 / 3] for number in range(10)]
    assert done == [7]
    again(squared, range(10))
    assert done == [7, *range(10)]  # another call of the same self-test is another step
    kept((2,))(squared, range(10))
    assert len(done) == 21  # another seed or effort too


def test_a_piece_that_was_damaged_is_done_again(kept, tmp_path):
    kept()(squared, range(5))
    (one,) = [path for path in (tmp_path / "stats-1").iterdir() if json.loads(path.read_text())[0][0] == 3]
    one.write_text("[[3, 4.0]]")
    done.clear()
    assert kept()(squared, range(5))[3] == [3, 3.0]
    assert done == [3]


def test_many_calls_are_few_pieces(kept, tmp_path):
    assert len(kept()(squared, range(997))) == 997
    assert 30 <= len(list((tmp_path / "stats-1").iterdir())) <= PIECES


def test_a_stopped_command_goes_on_and_leaves_the_table_of_one_that_was_not(tmp_path, monkeypatch):
    small = replace(QUICK, tables=4)
    monkeypatch.setattr(run, "QUICK", small)
    monkeypatch.setattr(run, "stats_rows", of_the_screen)
    whole = selftest(["stats"], workers=1, out=tmp_path / "whole")
    display = Stopping()
    with pytest.raises(KeyboardInterrupt):
        selftest(["stats"], workers=1, out=tmp_path / "cut", progress=display)
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {run.WORK}
    said = Counting()
    resumed = selftest(["stats"], workers=1, out=tmp_path / "cut", progress=said)
    assert said.found == 2
    assert resumed.rows == whole.rows
    assert {path.name for path in (tmp_path / "cut").iterdir()} == set(run.FILES)


def test_a_folder_in_use_is_refused(tmp_path):
    with StudyLock(tmp_path / "a" / run.WORK / "lock"), pytest.raises(BusyError):
        selftest(["install"], out=tmp_path / "a")


def of_the_screen(effort, seed, map):
    return screen_rows(list(map(partial(one_screen, seed), range(effort.tables))))


class Stopping(Progress):
    """As if the user pressed Ctrl-C after two pieces."""

    def advance(self, ok: bool = True, reused: bool = False) -> None:
        super().advance(ok, reused)
        if self.count == 2:
            raise KeyboardInterrupt


class Counting(Progress):
    found = 0

    def advance(self, ok: bool = True, reused: bool = False) -> None:
        super().advance(ok, reused)
        self.found += reused
