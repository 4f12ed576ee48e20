"""A small encoder of JPEG without loss (ITU-T T.81, process 14), written for the tests of its decoder."""

from __future__ import annotations

import struct

import numpy as np


def predictions(samples: np.ndarray, predictor: int, bits: int, every: int) -> np.ndarray:
    """Return what each sample is predicted to be."""
    values = samples.astype(int)
    guess = np.zeros_like(values)
    for i in range(values.shape[0]):
        first = i == 0 or (every and i % every == 0)
        for j in range(values.shape[1]):
            if first:
                guess[i, j] = values[i, j - 1] if j else 1 << (bits - 1)
            elif j == 0:
                guess[i, j] = values[i - 1, j]
            else:
                a, b, c = values[i, j - 1], values[i - 1, j], values[i - 1, j - 1]
                rules = (a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) // 2)
                guess[i, j] = rules[predictor - 1]
    return guess


def encode(samples: np.ndarray, predictor: int = 1, bits: int = 16, every: int = 0) -> bytes:
    """Return a JPEG stream of samples (row, column); `every` rows a restart marker (0: none)."""
    rows, columns = samples.shape
    differences = ((samples.astype(int) - predictions(samples, predictor, bits, every)) + 32768) % 65536 - 32768
    parts, words = [], []
    for i in range(rows):
        if every and i and i % every == 0:
            parts.append(words)
            words = []
        words += [_word(int(value)) for value in differences[i]]
    parts.append(words)
    head = b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3B", 11, bits, rows, columns, 1, 1, 0x11, 0)
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11]) + bytes(range(17))
    head += b"\xff\xc4" + struct.pack(">H", 2 + len(table)) + table
    if every:
        head += b"\xff\xdd" + struct.pack(">HH", 4, every * columns)
    head += b"\xff\xda" + struct.pack(">H6B", 8, 1, 1, 0, predictor, 0, 0)
    body = b""
    for number, part in enumerate(parts):
        body += (bytes([0xFF, 0xD0 + (number - 1) % 8]) if number else b"") + _packed("".join(part))
    return head + body + b"\xff\xd9"


def _word(difference: int) -> str:
    """Every class has a code of five bits: the class itself."""
    size = 16 if difference == -32768 else int(abs(difference)).bit_length()
    extra = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:05b}" + (f"{extra:0{size}b}" if 0 < size < 16 else "")


def _packed(text: str) -> bytes:
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
