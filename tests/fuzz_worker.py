"""Reads damaged files in a process of its own that the system stops at 5 s of CPU time or 2 GiB of memory.

Run by tests/io/test_fuzz.py as a script. It answers each line "KIND START STOP WAY" with one line of JSON; before each
file it prints its number, so that the parent knows which one stopped it.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fuzz_formats import FORMATS, Format, Found
from genoxel.core.errors import FileFormatError, GenoxelError

MEMORY = 2 * 2**30
BLOCKED_SECONDS = 120.0
SMALL = 32 * 2**20
"""What reading one of these files may take in NumPy and Python: they unpack to a few kilobytes."""


class FaultError(Exception):
    """What must not happen: told to the parent."""


def _hang(path: Path) -> Found:
    while True:
        path.exists()


def _claim(path: Path) -> Found:
    return [np.ones(2**32, np.uint8)]


def _hide(path: Path) -> Found:
    try:
        return _claim(path)
    except MemoryError as error:
        raise FileFormatError("a damaged file", "a whole one", "fetch it again") from error


def _invent(path: Path) -> Found:
    return [np.frombuffer(path.read_bytes(), np.uint8) + np.uint8(1)]


def _bytes(content: bytes) -> Found:
    return [np.frombuffer(content, np.uint8)]


MISBEHAVING = {
    read.__name__[1:]: Format("a.bin", lambda folder: b"0123456789", read, _bytes)
    for read in (_hang, _claim, _hide, _invent)
}
"""Readers that do what must not happen, so that the guards themselves are tested."""


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip one to three bits, or set a byte, half of them in the first kilobytes where the header lies."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        end = len(content) if rng.random() < 0.5 else min(len(content), 1500)
        place = int(rng.integers(end))
        changed[place] = int(rng.integers(256)) if rng.random() < 0.2 else changed[place] ^ (1 << int(rng.integers(8)))
    return bytes(changed)


def damaged(kind: str, content: bytes, numbers: range, way: str) -> Iterator[bytes]:
    """Yield the damaged files with these numbers: flipped bits by seed, or cut at so many percent."""
    for number in numbers:
        if way == "cut":
            yield content[: len(content) * number // 100]
        else:
            seed = np.random.SeedSequence((20261121, len(kind)), spawn_key=(number,))
            yield flip(content, np.random.default_rng(seed))


def limited(seconds: float) -> None:
    """Let the system end this process when the next file takes so much CPU time, or blocks for two minutes."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, BLOCKED_SECONDS if seconds else 0)


def read(one: Format, path: Path) -> tuple[Found | None, bool]:
    """Return what a reader accepts and whether it did; memory that ran out counts as a fault even if it was caught."""
    try:
        return one.read(path), True
    except GenoxelError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                raise FaultError("more than 2 GiB asked for") from error
            cause = cause.__cause__ or cause.__context__
        return None, False


def compare(found: Found, expected: Found) -> None:
    """Insist that values are equal (SUV and other fractions to 1e-12) and places to rounding."""
    values, wanted = found[0], expected[0]
    close = np.array_equal(values, wanted) or (values.dtype.kind == "f" and np.allclose(values, wanted, 1e-12, 0))
    if values.shape != wanted.shape or not close:
        raise FaultError("values that a strict parser does not read")
    for place, other in zip(found[1:], expected[1:], strict=True):
        if place.shape != other.shape or not np.allclose(place, other, rtol=1e-6, atol=1e-9):
            raise FaultError("places that a strict parser does not read")


def check(one: Format, path: Path, content: bytes) -> bool:
    """Read one damaged file and return whether it was accepted."""
    path.write_bytes(content)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    found, accepted = read(one, path)
    if tracemalloc.get_traced_memory()[1] - before > SMALL:
        raise FaultError("more memory than the file can hold")
    if found is not None and one.parse is not None:
        try:
            expected = one.parse(content)
        except Exception as error:
            raise FaultError(f"accepted, but a strict parser refuses it ({error!r})") from error
        compare(found, expected)
    return accepted


def work(kind: str, numbers: range, way: str, folder: Path, seconds: float) -> dict[str, object]:
    """Return how many files were accepted, and every fault by its number."""
    one = FORMATS.get(kind) or MISBEHAVING[kind]
    content, path = one.make(folder), folder / one.name
    if kind in FORMATS and not check(one, path, content):
        raise FaultError("the whole file is refused")
    accepted, faults = 0, {}
    for number, changed in zip(numbers, damaged(kind, content, numbers, way), strict=True):
        say(str(number))
        limited(seconds)
        try:
            accepted += check(one, path, changed)
        except Exception as error:  # noqa: BLE001  (whatever a reader raises is what is looked for)
            faults[number] = f"{type(error).__name__}: {error}"
        limited(0)
    return {"accepted": accepted, "faults": faults}


def say(line: str) -> None:
    """Send one line to the parent."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    seconds = float(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        for kind in FORMATS:  # libraries are loaded and loops compiled before anything is limited
            one = FORMATS[kind]
            path = Path(place, one.name)
            path.write_bytes(one.make(Path(place)))
            one.read(path)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        tracemalloc.start()
        say("ready")
        for line in sys.stdin:
            kind, start, stop, way = line.rstrip("\n").split("\t")
            say(json.dumps(work(kind, range(int(start), int(stop)), way, Path(place), seconds)))


if __name__ == "__main__":
    main()
