"""Functions that spawned workers can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from genoxel.core.errors import MaskError, OutputError


def double(number: Any) -> Any:
    return number * 2


def picky(number: int) -> int:
    if number == 3:
        error = MaskError("an empty mask", "a voxel", "look")
        error.add_note("patient P003")
        raise error
    if number == 4:
        raise RuntimeError("never seen before")
    return number * 2


def killed(argument: tuple[str, str]) -> str:
    """Kill this process when the name is in `deadly`; 'once' only when its mark is not there yet."""
    name, folder = argument
    mark = Path(folder, f"{name}.mark")
    if name.startswith("always") or (name.startswith("once") and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return name


def threads(_: object) -> list[int]:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    return [int(info["num_threads"]) for info in threadpool_info()]


def sleep_with_pid(argument: tuple[str, float]) -> int:
    folder, seconds = argument
    Path(folder, f"{os.getpid()}.pid").touch()
    time.sleep(seconds)
    return os.getpid()


def write_number(payload: dict[str, Any]) -> bytes:
    if payload.get("log"):
        with Path(payload["log"]).open("a") as file:
            file.write(payload["item"] + "\n")
    if payload["item"] == "bad":
        raise MaskError("an empty mask", "a voxel", "look")
    if payload["item"] == "bug":
        raise RuntimeError("oops")
    if payload["item"] == "full":
        raise OutputError("no file: the disk is full", "space", "make room")
    return str(payload["number"] * 2).encode()


def add(one: int, two: int) -> int:
    return one + two


def not_to_be_sent(number: int) -> Any:
    return (lambda: number) if number == 1 else number


def _broken(_: object) -> Any:
    raise ValueError("cannot be read")


class Fragile:
    """Leaves this process whole and cannot be read in another."""

    def __reduce__(self) -> Any:
        return _broken, (None,)
