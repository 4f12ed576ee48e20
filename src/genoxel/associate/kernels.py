"""The hot loops of associations, compiled: correlations, pairs that miss patients, two groups, worlds, gene sets."""

from __future__ import annotations

import numpy as np

from genoxel.stats.compiled import compiled


@compiled
def _judged(r, law):  # type: ignore[no-untyped-def]
    """Return p, low and high of a correlation; bounds are NaN where too few patients are left."""
    pieces, power, floor, quantile, bend, free, limit = law
    count, degree = pieces.shape
    size = abs(r)
    at = size * count
    piece = min(int(at), count - 1)
    inside = 2 * (at - piece) - 1
    value = pieces[piece, degree - 1]
    for k in range(degree - 2, -1, -1):
        value = value * inside + pieces[piece, k]
    rest = (1 - size) * (1 + size)
    value = np.exp(power * np.log(rest)) * value if rest > 0 else 0.0
    low, high = np.nan, np.nan
    if free > 0:
        inner = min(max(r, -limit), limit)
        spread = np.exp(2 * quantile * np.sqrt((1 + bend * inner * inner) / free))
        above, below = 1 + inner, 1 - inner
        low = -1.0 if r < -limit else (above - below * spread) / (above + below * spread)
        high = 1.0 if r > limit else (above * spread - below) / (above * spread + below)
    return min(max(value, floor), 1.0), low, high


@compiled
def judge(dot, inverse, law, places, out):  # type: ignore[no-untyped-def]
    """Write effect, interval and p of correlations, of cross products `dot` (r, c).

    `inverse` holds one over the roots of the squares of both sides, 0 for a column that is not judged; `law` is
    (pieces, power, floor) of a `LawTable` and (quantile, bend, free, limit) of the interval; `places` (rows, columns)
    where to write in `out` (effect, low, high, p).
    """
    inverse_x, inverse_y = inverse
    rows, columns = places
    effect, low, high, p = out
    for i in range(dot.shape[0]):
        row = rows[i]
        for j in range(dot.shape[1]):
            column = columns[j]
            if inverse_x[i] == 0.0 or inverse_y[j] == 0.0:
                continue
            r = min(max(dot[i, j] * inverse_x[i] * inverse_y[j], -1.0), 1.0)
            effect[row, column] = r
            p[row, column], low[row, column], high[row, column] = _judged(r, law)


@compiled
def judge_some(wanted, count, law, out):  # type: ignore[no-untyped-def]
    """Write interval and p of those correlations of `out` (effect, low, high, p) whose `count` is `wanted`."""
    effect, low, high, p = out
    for i in range(count.shape[0]):
        for j in range(count.shape[1]):
            if count[i, j] == wanted and not np.isnan(effect[i, j]):
                p[i, j], low[i, j], high[i, j] = _judged(effect[i, j], law)


@compiled
def _rank(order, end, first, second, out):  # type: ignore[no-untyped-def]
    """Write the average ranks of the rows in both masks to `out`; return how many there are and t³ - t over ties."""
    seen, ties, at = 0, 0.0, 0
    while at < len(order):
        last, tied = end[at], 0
        for k in range(at, last + 1):
            tied += first[order[k]] and second[order[k]]
        for k in range(at, last + 1):
            if first[order[k]] and second[order[k]]:
                out[order[k]] = seen + (tied + 1) / 2
        seen += tied
        ties += float(tied) ** 3 - tied
        at = last + 1
    return seen, ties


@compiled
def _product(order, end, first, second, centred):  # type: ignore[no-untyped-def]
    """Return the product of the ranks of the rows in both masks with `centred`, and t³ - t over their ties."""
    seen, ties, at, dot = 0, 0.0, 0, 0.0
    while at < len(order):
        last, tied, total = end[at], 0, 0.0
        for k in range(at, last + 1):
            row = order[k]
            if first[row] and second[row]:
                tied += 1
                total += centred[row]
        dot += total * (seen + (tied + 1) / 2)
        seen += tied
        ties += float(tied) ** 3 - tied
        at = last + 1
    return dot, ties


@compiled
def _untied_product(order, first, second, centred):  # type: ignore[no-untyped-def]
    seen, dot = 0, 0.0
    for row in order:
        inside = first[row] and second[row]
        seen += inside
        dot += seen * centred[row]  # 0 outside
    return dot, 0.0


@compiled
def _rank_side(side, pattern, ranked, size, squares):  # type: ignore[no-untyped-def]
    """Write the centred ranks of every column within `pattern`, their number and squares."""
    order, end, known = side
    for j in range(len(order)):
        ranked[j] = 0.0
        size[j], ties = _rank(order[j], end[j], pattern, known[j], ranked[j])
        middle = (size[j] + 1) / 2
        for k in range(known.shape[1]):
            if pattern[k] and known[j, k]:
                ranked[j, k] -= middle
        squares[j] = _squares(size[j], ties)


@compiled
def _squares(n, ties):  # type: ignore[no-untyped-def]
    return (float(n) ** 3 - n - ties) / 12


@compiled
def rank_pairs(left, right, patterns, fewest, out):  # type: ignore[no-untyped-def]
    """Write n, rho and flag of all pairs, each ranked among the patients that both columns know.

    `left` and `right` are (order, end, known), one column per row; `patterns` (start, columns) list the left columns
    that know the same patients together. Flags as in `numbers.FLAGS`: 1 few, 2 left constant, 3 right constant.
    """
    order, end, known = left
    count, effect, flag = out
    start, columns = patterns
    m, n = right[2].shape
    ranked, size, squares = np.zeros((m, n)), np.zeros(m, np.int64), np.zeros(m)
    mine = np.zeros(n)
    for group in range(len(start) - 1):
        pattern = known[columns[start[group]]]
        _rank_side(right, pattern, ranked, size, squares)
        for place in range(start[group], start[group + 1]):
            i = columns[place]
            mine[:] = 0.0
            whole, ties = _rank(order[i], end[i], pattern, pattern, mine)
            own_whole, untied = _squares(whole, ties), ties == 0.0
            for j in range(m):
                if size[j] == whole:
                    dot, own = np.dot(mine, ranked[j]), own_whole
                else:
                    if untied:
                        dot, ties = _untied_product(order[i], pattern, right[2][j], ranked[j])
                    else:
                        dot, ties = _product(order[i], end[i], pattern, right[2][j], ranked[j])
                    own = _squares(size[j], ties)
                count[i, j] = size[j]
                flag[i, j] = _first_reason(size[j] < fewest, own, squares[j])
                if flag[i, j] == 0:
                    effect[i, j] = min(max(dot / np.sqrt(own * squares[j]), -1.0), 1.0)


@compiled
def _first_reason(few, left, right):  # type: ignore[no-untyped-def]
    if few:
        return 1
    if left <= 1e-9:
        return 2
    return 3 if right <= 1e-9 else 0


@compiled
def _placements(of):  # type: ignore[no-untyped-def]
    """Return counts, U and squared placements of both groups, of codes `of` sorted by value without ties."""
    ones, zeros, u, square_one, square_zero = 0, 0, 0, 0, 0
    for code in of:
        one, zero = code == 1, code == 0
        u += one * zeros
        square_one += one * zeros * zeros
        square_zero += zero * ones * ones
        ones += one
        zeros += zero
    return ones, zeros, float(u), float(square_one), float(square_zero), 0.0


@compiled
def _tied_placements(of, end):  # type: ignore[no-untyped-def]
    """Return the same where values tie, equal ones counting half, and t³ - t over ties."""
    ones, zeros, u, square_one, square_zero, ties, at = 0, 0, 0.0, 0.0, 0.0, 0.0, 0
    while at < len(of):
        one, zero = 0, 0
        for k in range(at, end[at] + 1):
            one += of[k] == 1
            zero += of[k] == 0
        over, under = zeros + zero / 2, ones + one / 2
        u += one * over
        square_one += one * over * over
        square_zero += zero * under * under
        ones += one
        zeros += zero
        tied = float(one + zero)
        ties += tied**3 - tied
        at = end[at] + 1
    return ones, zeros, u, square_one, square_zero, ties


@compiled
def group_pairs(left, groups, out):  # type: ignore[no-untyped-def]
    """Write the Mann-Whitney U, the squares of the ranks and DeLong's two variances of all pairs.

    `left` is (order, end, known) of numbers, one column per row; `groups` (m, n) holds 0, 1 or -1 for unknown; `out`
    is (n1, n0, u, squares, first, second), (p, m) each, u counting how often group 1 is above group 0, ties half.
    """
    order, end, known = left
    n1, n0, u, squares, first, second = out
    for i in range(len(order)):
        seen = known[i].sum()
        mine, ends = order[i, :seen], end[i, :seen]
        tied = (ends != np.arange(seen)).any()
        of = np.empty(seen, np.int8)
        for j in range(len(groups)):
            for k in range(seen):
                of[k] = groups[j, mine[k]]
            found = _tied_placements(of, ends) if tied else _placements(of)
            ones, zeros, total, square_one, square_zero, ties = found
            n1[i, j], n0[i, j], u[i, j] = ones, zeros, total
            squares[i, j] = _squares(ones + zeros, ties)
            if ones > 1 and zeros > 1:
                spread_one = max(square_one - total * total / ones, 0.0)
                below = float(ones) * zeros - total
                spread_zero = max(square_zero - below * below / zeros, 0.0)
                first[i, j] = spread_one / (ones - 1) / ones / (float(zeros) * zeros)
                second[i, j] = spread_zero / (zeros - 1) / zeros / (float(ones) * ones)


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


@compiled
def walk(scores, order, starts, owners, sizes, out):  # type: ignore[no-untyped-def]
    """Walk down each list once, all sets together: `owners` from `starts` of a gene are the sets that hold it."""
    lists, genes = scores.shape
    count = len(sizes)
    for row in range(lists):
        total, up = np.zeros(count), np.zeros(count)
        high, low = np.full(count, -np.inf), np.full(count, np.inf)
        seen = np.zeros(count, np.int64)
        for gene in range(genes):
            for k in range(starts[gene], starts[gene + 1]):
                total[owners[k]] += abs(scores[row, gene])
        for place in range(genes):
            gene = order[row, place]
            weight = abs(scores[row, gene])
            for k in range(starts[gene], starts[gene + 1]):
                one = owners[k]
                down = (place - seen[one]) / (genes - sizes[one])
                low[one] = min(low[one], up[one] / total[one] - down)
                up[one] += weight
                high[one] = max(high[one], up[one] / total[one] - down)
                seen[one] += 1
        for one in range(count):
            best = high[one] if high[one] >= -low[one] else low[one]
            out[row, one] = best if total[one] > 0 else np.nan
