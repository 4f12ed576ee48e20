"""What a run says while it works: a bar in a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO


class Progress:
    """Say nothing; the base of all progress displays.

    >>> with Progress() as progress:
    ...     progress.begin("image", 2)
    ...     progress.advance(ok=True)
    ...     progress.end()
    """

    def __init__(self) -> None:
        self.step, self.total, self.count, self.failed, self.reused = "", 0, 0, 0, 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin(self, step: str, total: int) -> None:
        """Begin a step of `total` items."""
        self.step, self.total, self.count, self.failed, self.reused = step, total, 0, 0, 0
        self.show()

    def advance(self, ok: bool = True, reused: bool = False) -> None:
        """One more item is done: well, failed, or found in the ledger."""
        self.count += 1
        self.failed += not ok
        self.reused += reused
        self.show()

    def end(self, note: str = "") -> None:
        """End the step."""
        self.say(self.line() + (f"  {note}" if note else ""))

    def show(self) -> None:
        """Show where the step is."""

    def say(self, text: str) -> None:
        """Say one line."""

    def line(self) -> str:
        """Return the step in one line: ``image 71/71 ✓ (70 from before, 1 failed)``."""
        parts = [f"{self.reused} from before"] if self.reused else []
        parts += [f"{self.failed} failed"] if self.failed else []
        remark = f" ({', '.join(parts)})" if parts else ""
        count = f" {self.count - self.failed}/{self.total}" if self.total != 1 else ""
        mark = "!" if self.failed else "ok"
        return f"{self.step}{count} {mark}{remark}"


class PlainProgress(Progress):
    """One line per step, for files, pipes and continuous integration."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__()
        self.out = out or sys.stderr

    def say(self, text: str) -> None:
        """Write one line."""
        self.out.write(text + "\n")
        self.out.flush()


class RichProgress(PlainProgress):
    """A bar per step in a terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__(out)
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description:>10}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, console=Console(file=self.out), transient=True)
        self._task: Any = None

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self) -> None:
        """Move the bar."""
        if self._task is None:
            self._task = self._bars.add_task(self.step, total=self.total)
        self._bars.update(self._task, completed=self.count)

    def end(self, note: str = "") -> None:
        """Take the bar away and leave one line."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        super().end(note)

    def say(self, text: str) -> None:
        """Write one line above the bar."""
        self._bars.console.print(text, markup=False, highlight=False)


def progress_for(quiet: bool = False, out: TextIO | None = None) -> Progress:
    """Return the display that suits `out` (standard error): bars in a terminal, lines elsewhere."""
    stream = out or sys.stderr
    if quiet:
        return Progress()
    return RichProgress(stream) if stream.isatty() else PlainProgress(stream)


Say = Callable[[str], None]
