"""Worker processes that survive each other: spawn-safe, one thread each, a killed one is retried once and named."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
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
    in order and raises the first error. A worker killed by the system (out of memory, for example) takes only its own
    task with it: that one is tried once more at the end, alone, and if it kills its worker again it is a `WorkerError`.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = max(1, workers if workers is not None else usable_cores())
        self._crew: list[_Worker] = []
        self._restore: dict[str, str | None] = {}
        self._proven = False

    def __enter__(self) -> Pool:
        self._restore = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dismiss(kill=kind is not None)
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
        try:
            while waiting or any(worker.task for worker in self._crew):
                self._hire(len(waiting))
                self._hand_out(function, waiting)
                for worker in _heard(self._crew):
                    self._take(worker, done, suspects)
            if suspects:
                self._dismiss(kill=True)
            for task in suspects:
                done(task, _alone(function, task))
        except BaseException:
            self._dismiss(kill=True)  # a worker still busy would give its value to the next run
            raise

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

    def executor(self) -> Executor:
        """Return this pool for functions that take an executor and use its `map`."""
        return _AsExecutor(self)

    def _hire(self, tasks: int) -> None:
        """Start the workers that are missing: no more than there are tasks for."""
        idle = sum(worker.task is None for worker in self._crew)
        for _ in range(min(self.workers - len(self._crew), tasks - idle)):
            _refuse_inside_worker()
            self._crew.append(_Worker())

    def _hand_out(self, function: Callable[[Any], Any], waiting: deque[Task]) -> None:
        for worker in self._crew:
            if waiting and worker.ready and worker.task is None and worker.give(function, waiting[0]):
                waiting.popleft()

    def _take(self, worker: _Worker, done: Done, suspects: list[Task]) -> None:
        """Take what a worker says: that it is there, the value of its task, or nothing more (it is dead)."""
        task, worker.task = worker.task, None
        try:
            value = worker.line.recv()
        except (EOFError, OSError):
            self._crew.remove(worker)
            worker.end(kill=True)
            if not self._proven:
                raise WorkerError(
                    "worker processes that die while they start",
                    "a script whose work stands under: if __name__ == '__main__':",
                    "add that line, or use one worker",
                ) from None
            suspects += [task] if task is not None else []
            return
        worker.ready = self._proven = True
        if task is not None:
            done(task, value)

    def _dismiss(self, kill: bool) -> None:
        for worker in self._crew:
            worker.end(kill)
        self._crew.clear()


class _Worker:
    """One process that does one task at a time, and the line to it: nobody else knows what it is doing."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(far,), daemon=True)
        self.process.start()
        far.close()
        self.ready = False
        self.task: Task | None = None

    def give(self, function: Callable[[Any], Any], task: Task) -> bool:
        """Send a task; False when the worker is dead and never had it."""
        try:
            self.line.send((function, task.argument))
        except OSError:
            return False
        self.task = task
        return True

    def end(self, kill: bool) -> None:
        """Let the process end by itself, or kill it, and wait until it is gone."""
        if kill:
            self.process.kill()
        self.line.close()
        self.process.join(None if kill else 10)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.process.close()


def _heard(crew: Sequence[_Worker]) -> list[_Worker]:
    """Wait, and return who has something to say or is dead (idle workers too, lest a task wait for a dead one)."""
    found = wait_for([worker.line for worker in crew])
    return [worker for worker in crew if worker.line in found]


def _alone(function: Callable[[Any], Any], task: Task) -> Any:
    worker = _Worker()
    try:
        worker.line.recv()
        worker.line.send((function, task.argument))
        return worker.line.recv()
    except (EOFError, OSError):
        error = WorkerError(
            f"a worker process killed by the system, twice, while it worked on {task.name}",
            "enough memory for one task",
            "free memory, or use a smaller image or region",
        )
        return Failure("WorkerError", describe(error), parts=(error.got, error.legal, error.fix))
    finally:
        worker.end(kill=True)


class _AsExecutor(Executor):
    """A pool seen as an executor of which only `map` is used."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Return the values in order (neither time nor chunks are limited here)."""
        return iter(self.pool.map(fn, *iterables))


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
        return _unexpected(error)


def _unexpected(error: Exception) -> Failure:
    reason = f"unexpected {type(error).__name__}: {describe(error)}"
    return Failure(type(error).__name__, reason, traceback.format_exc())


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra at one thread, so that results do not depend on the number of cores."""
    import scipy.linalg  # noqa: F401 - loads the library that is to be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def _serve(line: Any) -> None:
    """Be a worker: say so, then do one task after another until the line is closed."""
    _start_worker()
    line.send(None)
    while True:
        try:
            function, argument = line.recv()
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - a task that cannot be read here is a failure like any other
            value: Any = _unexpected(error)
        else:
            value = attempt(function, argument)
        try:
            line.send(value)
        except OSError:
            return
        except Exception as error:  # noqa: BLE001 - a value that cannot cross is a failure like any other
            line.send(_unexpected(error))


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
