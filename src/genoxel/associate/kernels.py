"""The two hot loops of a screen, compiled: judging cross products, and looking for the largest of a null world."""

from __future__ import annotations

import numpy as np

from genoxel.stats.compiled import compiled


@compiled
def judge(dot, inverse, law, places, out):  # type: ignore[no-untyped-def]
    """Write effect, interval and p of correlations, of cross products `dot` (r, c).

    `inverse` holds one over the roots of the squares of both sides, 0 for a column that is not judged; `law` is
    (pieces, power, floor) of a `LawTable` and (quantile, bend, free, limit) of the interval; `places` (rows, columns)
    where to write in `out` (effect, low, high, p).
    """
    inverse_x, inverse_y = inverse
    pieces, power, floor, quantile, bend, free, limit = law
    rows, columns = places
    effect, low, high, p = out
    count, degree = pieces.shape
    for i in range(dot.shape[0]):
        row = rows[i]
        for j in range(dot.shape[1]):
            column = columns[j]
            if inverse_x[i] == 0.0 or inverse_y[j] == 0.0:
                continue
            r = min(max(dot[i, j] * inverse_x[i] * inverse_y[j], -1.0), 1.0)
            size = abs(r)
            at = size * count
            piece = min(int(at), count - 1)
            inside = 2 * (at - piece) - 1
            value = pieces[piece, degree - 1]
            for k in range(degree - 2, -1, -1):
                value = value * inside + pieces[piece, k]
            rest = (1 - size) * (1 + size)
            value = np.exp(power * np.log(rest)) * value if rest > 0 else 0.0
            effect[row, column] = r
            p[row, column] = min(max(value, floor), 1.0)
            if free > 0:
                inner = min(max(r, -limit), limit)
                spread = np.exp(2 * quantile * np.sqrt((1 + bend * inner * inner) / free))
                above, below = 1 + inner, 1 - inner
                low[row, column] = -1.0 if r < -limit else (above - below * spread) / (above + below * spread)
                high[row, column] = 1.0 if r > limit else (above * spread - below) / (above * spread + below)


@compiled
def extremes(r, level, deep):  # type: ignore[no-untyped-def]
    """Return the largest |r| of `r` (any, any), and how many reach `level` and `deep`."""
    largest, reach, far = np.float32(0.0), 0, 0
    for i in range(r.shape[0]):
        for j in range(r.shape[1]):
            size = abs(r[i, j])
            largest = max(largest, size)
            reach += size >= level
            far += size >= deep
    return largest, reach, far
