from __future__ import annotations

import io

import pytest

from genoxel.core.errors import OutputError
from genoxel.study.engine import Engine, Job, code_version, library_versions
from genoxel.study.executors import Pool
from genoxel.study.ledger import Ledger, key_of
from genoxel.study.progress import PlainProgress, Progress, RichProgress, progress_for
from study import toy_work


def jobs(log, items, settings="s", code="1"):
    return [
        Job("toy", item, key_of([item], settings, code), toy_work.write_number,
            {"item": item, "number": place, "log": str(log)}, ".txt")
        for place, item in enumerate(items)
    ]  # fmt: skip


def run(folder, work, workers=1):
    with Ledger(folder) as ledger, Pool(workers) as pool:
        return Engine(ledger, pool, Progress()).run("toy", work)


def test_only_what_is_not_done_is_done(tmp_path):
    log = tmp_path / "log"
    first = run(tmp_path / "c", jobs(log, ["a", "bad", "b"]))
    assert [result.ok for result in first.values()] == [True, False, True]
    assert first["b"].path.read_text() == "4"
    again = run(tmp_path / "c", jobs(log, ["a", "bad", "b", "new"]))
    assert [result.reused for result in again.values()] == [True, True, True, False]
    assert again["bad"].error == first["bad"].error
    assert log.read_text().split() == ["a", "bad", "b", "new"]
    first["a"].path.write_text("torn")
    assert run(tmp_path / "c", jobs(log, ["a"]))["a"].path.read_text() == "0"


@pytest.mark.parametrize("change", [{"settings": "t"}, {"code": "2"}])
def test_new_settings_or_code_never_serve_old_numbers(tmp_path, change):
    log = tmp_path / "log"
    run(tmp_path / "c", jobs(log, ["a"]))
    assert not run(tmp_path / "c", jobs(log, ["a"], **change))["a"].reused


def test_an_unexpected_failure_is_tried_again_next_time(tmp_path):
    log = tmp_path / "log"
    assert "oops" in run(tmp_path / "c", jobs(log, ["bug"]))["bug"].error
    run(tmp_path / "c", jobs(log, ["bug"]))
    assert log.read_text().split() == ["bug", "bug"]


def test_a_full_disk_ends_the_run_and_is_no_patients_fault(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(OutputError, match="disk is full"):
        run(tmp_path / "c", jobs(log, ["a", "full", "b"]))
    assert run(tmp_path / "c", jobs(log, ["a"]))["a"].reused


def test_results_are_in_the_order_of_the_jobs_for_any_number_of_workers(tmp_path):
    items = [f"P{place}" for place in range(8)]
    one = run(tmp_path / "1", jobs(tmp_path / "log1", items))
    two = run(tmp_path / "2", jobs(tmp_path / "log2", items), workers=2)
    assert list(one) == list(two) == items
    assert [result.sha256 for result in one.values()] == [result.sha256 for result in two.values()]


def test_the_version_of_a_step_is_its_constant_its_sources_and_the_libraries(tmp_path):
    assert code_version("1", ("core",)) == code_version("1", ("core",))
    assert code_version("1", ("core",)) != code_version("1", ("core", "io"))
    assert code_version("1", ("core",)) != code_version("2", ("core",))
    assert library_versions(["numpy", "no-such-library"])["no-such-library"] == "absent"


def test_plain_progress_says_one_line_per_step():
    out = io.StringIO()
    with progress_for(out=out) as progress:
        assert isinstance(progress, PlainProgress)
        progress.begin("image", 3)
        progress.advance(reused=True)
        progress.advance(ok=False)
        progress.advance()
        progress.end("12 s")
    assert out.getvalue() == "image 2/3 ! (1 from before, 1 failed)  12 s\n"


def test_quiet_progress_says_nothing(capsys):
    with progress_for(quiet=True) as progress:
        progress.begin("image", 1)
        progress.advance()
        progress.end()
        progress.say("nothing")
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_and_the_line_stays():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with progress_for(out=out) as progress:
        assert isinstance(progress, RichProgress)
        progress.begin("image", 2)
        progress.advance()
        progress.advance()
        progress.end()
        progress.end()
    assert "image 2/2 ok" in out.getvalue()
