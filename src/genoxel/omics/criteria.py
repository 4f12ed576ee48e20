"""Inclusion and exclusion written as expressions: parsed, never executed; unknown is neither yes nor no."""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.flow import Flow
from genoxel.omics.texts import is_missing, plain, read_dates, read_numbers

Texts = Mapping[str, Mapping[str, str]]
Truth = bool | None
Value = str | float

_MAX_LENGTH = 1000
_QUOTED = re.compile(r"`([^`]+)`")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_ORDER: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_HOW = "column == 'word', column >= 18, column in ['a', 'b'], and, or, not; `a column` with spaces in backticks"


def include(flow: Flow, texts: Texts, expressions: Sequence[str] = (), exclude: Sequence[str] = ()) -> Flow:
    """Return the flow with one box per expression.

    `texts` maps column -> patient -> cell. A patient stays in when every `expressions` is true, and drops out when an
    `exclude` is true. Where a cell is missing the truth is unknown: such a patient is left out by an inclusion (the
    reason says so) and kept by an exclusion (the label of the box counts them). Words are compared without regard to
    case and outer spaces. Raises `SettingsError` for anything but comparisons, for an unknown column, and for a word
    that no cell holds but one nearly does.

    >>> cells = {"age": {"P1": "70", "P2": "12", "P3": ""}}
    >>> include(Flow.start("all", ["P1", "P2", "P3"]), cells, ["age >= 18"]).lost
    {'P2': ('age >= 18', 'age = 12'), 'P3': ('age >= 18', 'not known: age is empty')}
    """
    for expression in expressions:
        test = Criterion(expression, texts)
        lost = {who: test.reason(who) for who in flow.patients if test(who) is not True}
        flow = flow.drop(expression, lost)
    for expression in exclude:
        test = Criterion(expression, texts)
        truth = {who: test(who) for who in flow.patients}
        open_cases = sum(value is None for value in truth.values())
        kept = f" ({open_cases} not known, kept)" if open_cases else ""
        lost = {who: test.reason(who) for who, value in truth.items() if value is True}
        flow = flow.drop(f"not: {expression}{kept}", lost)
    return flow


def within_days(flow: Flow, texts: Texts, start: str, end: str, max_days: int) -> Flow:
    """Return the flow with one box that keeps patients with at most `max_days` between two date columns.

    Either date may be the earlier one; a patient with a missing date is left out with that reason. Raises
    `SettingsError` for an unknown column and `TableError` for cells that are no dates.
    """
    days = days_between(texts, start, end)
    label = f"at most {max_days} days between {start} and {end}"
    lost = {}
    for who in flow.patients:
        if days.get(who) is None:
            empty = [name for name in (start, end) if is_missing(texts[name].get(who, ""))]
            lost[who] = f"no {' and no '.join(empty)}"
        elif abs(days[who] or 0) > max_days:
            lost[who] = f"{days[who]} days from {start} to {end}"
    return flow.drop(label, lost)


def days_between(texts: Texts, start: str, end: str) -> dict[str, int | None]:
    """Return days from `start` to `end` by patient (None where a date is missing)."""
    first, last = (read_dates(_column(name, texts), name) for name in (start, end))
    days: dict[str, int | None] = {}
    for who in dict.fromkeys([*first, *last]):
        begin, finish = first.get(who), last.get(who)
        days[who] = None if begin is None or finish is None else (finish - begin).days
    return days


def _column(name: str, texts: Texts) -> Mapping[str, str]:
    if name not in texts:
        some = ", ".join(list(texts)[:12]) or "none"
        raise SettingsError(f"column {name!r}", some, nearest(name, texts) or "name one of these")
    return texts[name]


class Criterion:
    """One expression over the cells of a patient: True, False, or None where a missing cell leaves it open."""

    def __init__(self, expression: str, texts: Texts) -> None:
        self.expression = expression
        self.texts = texts
        self.columns: list[str] = []
        self._numbers: dict[str, dict[str, float]] = {}
        self._days: dict[str, dict[str, dt.date | None]] = {}
        self._quoted: dict[str, str] = {}
        try:
            self._tree = self._parse(expression)
            self._check(self._tree)
        except SettingsError as error:
            error.add_note(f"in the expression {expression!r}")
            raise

    def __call__(self, patient: str) -> Truth:
        """Return whether the expression holds for `patient`."""
        return self._truth(self._tree, patient)

    def reason(self, patient: str) -> str:
        """Return the cells that decided, in words."""
        cells = {name: self.texts[name].get(patient, "") for name in dict.fromkeys(self.columns)}
        if self(patient) is None:
            empty = [name for name, cell in cells.items() if is_missing(cell)]
            return f"not known: {' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty"
        return ", ".join(f"{name} = {cell.strip() or '(empty)'}" for name, cell in cells.items())

    def _parse(self, expression: str) -> ast.expr:
        if len(expression) > _MAX_LENGTH:
            raise SettingsError(f"an expression of {len(expression)} characters", f"at most {_MAX_LENGTH}", "split it")

        def hide(found: re.Match[str]) -> str:
            name = f"_column_{len(self._quoted)}_"
            self._quoted[name] = found[1]
            return name

        try:
            return ast.parse(_QUOTED.sub(hide, expression).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise SettingsError("what is no comparison", _HOW, "compare columns with words or numbers") from error

    def _check(self, node: ast.expr) -> None:
        """Walk the tree once, so that every fault is found before the first patient is judged."""
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                self._check(part)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._check(node.operand)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, operation, right in zip(sides, node.ops, sides[1:], strict=False):
                self._check_pair(left, operation, right)
        else:
            raise SettingsError(f"{ast.unparse(node)[:60]!r}", _HOW, "write a comparison")

    def _check_pair(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> None:
        if isinstance(operation, ast.Is | ast.IsNot):
            raise SettingsError("'is'", _HOW, "write == or !=")
        if isinstance(operation, ast.In | ast.NotIn) != isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise SettingsError("'in' without a list, or a list without 'in'", _HOW, "write column in ['a', 'b']")
        literals = right.elts if isinstance(right, ast.List | ast.Tuple | ast.Set) else [left, right]
        names = [name for side in (left, right) if (name := self._name(side)) is not None]
        if not names:
            raise SettingsError(f"{ast.unparse(left)[:40]!r} without a column", _HOW, "begin with a column's name")
        self.columns += names
        for literal in literals:
            if self._name(literal) is None:
                self._check_literal(names[0], self._literal(literal), operation)

    def _check_literal(self, column: str, literal: Value, operation: ast.cmpop) -> None:
        if isinstance(literal, str) and type(operation) in _ORDER:
            if not _ISO.fullmatch(literal):
                raise SettingsError(f"{literal!r} after < or >", "a number or a date like '2019-01-31'", "write one")
            read_dates(_column(column, self.texts), column)
        elif isinstance(literal, str):
            self._refuse_near_word(column, literal)
        elif type(operation) in _ORDER:
            self._numbers_of(column)

    def _refuse_near_word(self, column: str, word: str) -> None:
        present = {plain(cell) for cell in self.texts[column].values()}
        if plain(word) in present or any(sign.isdigit() for sign in word):
            return
        close = difflib.get_close_matches(plain(word), sorted(present), n=1, cutoff=0.8)
        if close:
            legal = ", ".join(sorted(present)[:10])
            raise SettingsError(f"{word!r}, which no cell of {column!r} holds", legal, f"did you mean {close[0]!r}?")

    def _name(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            name = self._quoted.get(node.id, node.id)
        elif isinstance(node, ast.Attribute):
            name = ast.unparse(node)
        else:
            return None
        _column(name, self.texts)
        return name

    def _literal(self, node: ast.expr) -> Value:
        sign = 1.0
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            node, sign = node.operand, -1.0
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and sign > 0:
                return node.value
            if isinstance(node.value, int | float) and not isinstance(node.value, bool):
                return sign * float(node.value)
        raise SettingsError(f"{ast.unparse(node)[:60]!r}", _HOW, "compare with a word in quotes or a number")

    def _numbers_of(self, column: str) -> dict[str, float]:
        if column not in self._numbers:
            numbers, odd = read_numbers(_column(column, self.texts))
            if odd:
                some = ", ".join(f"{cell!r} of {who}" for who, cell in list(odd.items())[:3])
                raise SettingsError(f"column {column!r} with {some}", "numbers for < and >", "compare words with ==")
            self._numbers[column] = numbers
        return self._numbers[column]

    def _truth(self, node: ast.expr, patient: str) -> Truth:
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(part, patient) for part in node.values]
            stop = isinstance(node.op, ast.Or)
            return stop if stop in parts else (None if None in parts else not stop)
        if isinstance(node, ast.UnaryOp):
            inner = self._truth(node.operand, patient)
            return None if inner is None else not inner
        assert isinstance(node, ast.Compare)  # noqa: S101 - _check admits nothing else
        sides = [node.left, *node.comparators]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        parts = [self._compare(left, operation, right, patient) for left, operation, right in pairs]
        return False if False in parts else (None if None in parts else True)

    def _compare(self, left: ast.expr, operation: ast.cmpop, right: ast.expr, patient: str) -> Truth:
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            found = [self._equal(left, item, patient) for item in right.elts]
            inside = True if True in found else (None if None in found else False)
            negated = isinstance(operation, ast.NotIn)
        elif isinstance(operation, ast.Eq | ast.NotEq):
            inside, negated = self._equal(left, right, patient), isinstance(operation, ast.NotEq)
        else:
            return self._ordered(left, operation, right, patient)
        return None if inside is None else inside != negated

    def _equal(self, left: ast.expr, right: ast.expr, patient: str) -> Truth:
        one, other = self._value(left, patient), self._value(right, patient)
        asked_empty = any(self._name(side) is None and self._literal(side) == "" for side in (left, right))
        if asked_empty:
            return all(isinstance(side, str) and is_missing(side) for side in (one, other))
        if any(isinstance(side, str) and is_missing(side) for side in (one, other)):
            return None
        if isinstance(one, str) and isinstance(other, str):
            return plain(one) == plain(other)
        first, second = (_as_number(side) for side in (one, other))
        return first == second

    def _ordered(self, left: ast.expr, operation: ast.cmpop, right: ast.expr, patient: str) -> Truth:
        literal = next((self._literal(side) for side in (left, right) if self._name(side) is None), None)
        if isinstance(literal, str):
            values = [self._day(side, patient) for side in (left, right)]
        else:
            values = [self._number(side, patient) for side in (left, right)]
        if any(math.isnan(value) for value in values):
            return None
        return _ORDER[type(operation)](values[0], values[1])

    def _value(self, node: ast.expr, patient: str) -> Value:
        name = self._name(node)
        return self._literal(node) if name is None else self.texts[name].get(patient, "")

    def _number(self, node: ast.expr, patient: str) -> float:
        name = self._name(node)
        return float(self._literal(node)) if name is None else self._numbers_of(name).get(patient, math.nan)

    def _day(self, node: ast.expr, patient: str) -> float:
        name = self._name(node)
        if name is None:
            return float(dt.date.fromisoformat(str(self._literal(node))).toordinal())
        if name not in self._days:
            self._days[name] = read_dates(self.texts[name], name)
        day = self._days[name].get(patient)
        return math.nan if day is None else float(day.toordinal())


def _as_number(value: Value) -> float:
    if not isinstance(value, str):
        return value
    numbers, _ = read_numbers({"": value})
    return numbers.get("", math.nan)
