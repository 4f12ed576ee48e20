"""Worker processes that survive each other: spawn-safe, one thread each, a killed one is retried once and named."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from types import TracebackType
from typing import Any

from genoxel.core import errors
from genoxel.core.errors import GenoxelError, WorkerError, describe

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@dataclass(frozen=True)
class Failure:
    """Why a task gave no value: the kind of error, its message, and where it happened (for --debug)."""

    kind: str
    reason: str
    where: str = ""
    parts: tuple[str, str, str] = ("", "", "")

    @property
    def expected(self) -> bool:
        """Whether the input is to blame, so that trying again with the same input is of no use."""
        found = getattr(errors, self.kind, None)
        return isinstance(found, type) and issubclass(found, errors.InputError | errors.NotDefinedError)

    def error(self) -> GenoxelError:
        """Return this failure as an error that can be raised."""
        found = getattr(errors, self.kind, None)
        if isinstance(found, type) and issubclass(found, GenoxelError):
            return found(*self.parts)
        return WorkerError(
            self.reason, "a task that ends without error", "this is a fault of Genoxel: please report it"
        )


@dataclass(frozen=True)
class Task:
    """One piece of work: a name for messages and the argument of the function."""

    name: str
    argument: Any


Done = Callable[[Task, Any], None]


def usable_cores() -> int:
    """Return the number of cores this process may use.

    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Up to `workers` processes; with 1 the work is done here, one task after another.

    Use it as a context. `run` hands every task's value or `Failure` to a callback as it comes; `map` returns values
    in order and raises the first error. A worker killed by the system (out of memory, for example) takes the tasks
    then in flight with it: each is tried once more alone, and one that kills its worker again is a `WorkerError`.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = max(1, workers if workers is not None else usable_cores())
        self._executor: ProcessPoolExecutor | None = None
        self._restore: dict[str, str | None] = {}

    def __enter__(self) -> Pool:
        self._restore = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(kill=kind is not None)
        for name, value in self._restore.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def run(self, function: Callable[[Any], Any], tasks: Sequence[Task], done: Done) -> None:
        """Call ``done(task, value or Failure)`` for every task, in the order in which they end."""
        if self.workers == 1 or not tasks:
            for task in tasks:
                done(task, attempt(function, task.argument))
            return
        waiting, suspects = deque(tasks), list[Task]()
        running: dict[Future[Any], Task] = {}
        while waiting or running:
            broken = self._fill(function, waiting, running, suspects)
            broken |= self._collect(running, done, suspects)
            if broken:
                suspects += running.values()
                running.clear()
                self._stop(kill=True)
                for task in suspects:
                    done(task, self._alone(function, task))
                suspects.clear()

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Any]:
        """Return ``[function(*arguments) ...]`` in order, computed by the workers; the first error is raised."""
        arguments = list(zip(*iterables, strict=True))
        values: dict[str, Any] = {}

        def done(task: Task, value: Any) -> None:
            if isinstance(value, Failure):
                raise value.error()
            values[task.name] = value

        self.run(_Spread(function), [Task(str(place), one) for place, one in enumerate(arguments)], done)
        return [values[str(place)] for place in range(len(arguments))]

    def executor(self) -> ProcessPoolExecutor | None:
        """Return the executor behind this pool for functions that take one; None when the work is done here."""
        return self._pool() if self.workers > 1 else None

    def _fill(
        self,
        function: Callable[[Any], Any],
        waiting: deque[Task],
        running: dict[Future[Any], Task],
        suspects: list[Task],
    ) -> bool:
        # No more in flight than there are workers, so that a dead worker leaves few suspects.
        while waiting and len(running) < self.workers:
            task = waiting.popleft()
            try:
                running[self._pool().submit(attempt, function, task.argument)] = task
            except BrokenProcessPool:
                suspects.append(task)
                return True
        return False

    @staticmethod
    def _collect(running: dict[Future[Any], Task], done: Done, suspects: list[Task]) -> bool:
        broken = False
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task = running.pop(future)
            try:
                value = future.result()
            except BrokenProcessPool:
                suspects.append(task)
                broken = True
            else:
                done(task, value)
        return broken

    def _alone(self, function: Callable[[Any], Any], task: Task) -> Any:
        executor = _new_executor(1)
        try:
            return executor.submit(attempt, function, task.argument).result()
        except BrokenProcessPool:
            error = WorkerError(
                f"a worker process killed by the system, twice, while it worked on {task.name}",
                "enough memory for one task",
                "free memory, or use a smaller image or region",
            )
            return Failure("WorkerError", describe(error), parts=(error.got, error.legal, error.fix))
        finally:
            _shut(executor, kill=True)

    def _pool(self) -> ProcessPoolExecutor:
        if self._executor is None:
            _refuse_inside_worker()
            executor = _new_executor(self.workers)
            try:
                executor.submit(os.getpid).result()
            except BrokenProcessPool:
                _shut(executor, kill=True)
                raise WorkerError(
                    "worker processes that die while they start",
                    "a script whose work stands under: if __name__ == '__main__':",
                    "add that line, or use one worker",
                ) from None
            self._executor = executor
        return self._executor

    def _stop(self, kill: bool) -> None:
        if self._executor is not None:
            _shut(self._executor, kill)
            self._executor = None


class _Spread:
    """Call a function with a tuple of arguments; a class, so that it can cross to a spawned process."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, arguments: tuple[Any, ...]) -> Any:
        return self.function(*arguments)


def attempt(function: Callable[[Any], Any], argument: Any) -> Any:
    """Return ``function(argument)`` done on one thread, or the `Failure` that says why there is no value."""
    try:
        with one_thread():
            return function(argument)
    except GenoxelError as error:
        parts = (" | ".join([error.got, *getattr(error, "__notes__", [])]), error.legal, error.fix)
        return Failure(type(error).__name__, describe(error), traceback.format_exc(), parts)
    except Exception as error:  # noqa: BLE001 - a broken patient must not stop the others; the reason is kept
        reason = f"unexpected {type(error).__name__}: {describe(error)}"
        return Failure(type(error).__name__, reason, traceback.format_exc())


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra at one thread, so that results do not depend on the number of cores."""
    import scipy.linalg  # noqa: F401 - loads the library that is to be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def _new_executor(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it: a killed parent must not leave workers behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _refuse_inside_worker() -> None:
    if multiprocessing.parent_process() is not None:
        raise WorkerError(
            "a study started while a worker process was starting",
            "a script whose work stands under: if __name__ == '__main__':",
            "add that line, or use one worker",
        )


def _shut(executor: ProcessPoolExecutor, kill: bool) -> None:
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=not kill, cancel_futures=True)
    if kill:
        for process in processes:
            with suppress(OSError, ValueError):
                process.kill()
        for process in processes:
            process.join(5)
