"""One table for every kind of measurement: numbers, row keys, and a record for each column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import TableError, nearest
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey, as_keys, is_copy, refuse_copies_alone, refuse_duplicates

if TYPE_CHECKING:
    import pandas as pd

ColumnKind = Literal["real", "count", "binary", "categorical", "ordinal", "time"]


@dataclass(frozen=True)
class Source:
    """Where a column comes from: modality, region, filter, family, aggregation (empty where it has none)."""

    modality: str = ""
    region: str = ""
    filter: str = ""
    family: str = ""
    aggregation: str = ""


@dataclass(frozen=True)
class Column:
    """The record of one column.

    `kind` decides which test fits; categories are integer codes into `levels` (`ordered` for the kind "ordinal");
    `code` is the IBSI tag or another permanent identifier; `settings` is the hash of what was set to measure it.
    """

    name: str
    kind: ColumnKind = "real"
    unit: str = ""
    code: str = ""
    definition: str = ""
    source: Source = field(default_factory=Source)
    levels: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    settings: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(ColumnKind):
            legal = ", ".join(get_args(ColumnKind))
            raise TableError(f"column kind {self.kind!r}", legal, nearest(self.kind, get_args(ColumnKind)))
        if self.kind in ("categorical", "ordinal") and not self.levels:
            raise TableError(
                f"the {self.kind} column {self.name!r} without levels", "named levels", "pass levels=(...)"
            )

    @property
    def ordered(self) -> bool:
        """Whether the levels have an order."""
        return self.kind == "ordinal"


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """Rows x columns of float64 numbers (n, m); missing is NaN, never 0.

    >>> table = Table(np.array([[1.0], [2.0]]), ("P1", "P2"), (Column("age", unit="years"),), kind="clinical")
    >>> table
    Table clinical: 2 rows of 2 patients x 1 column (age)
    >>> table["age"]
    array([1., 2.])
    """

    values: FloatArray
    rows: tuple[RowKey, ...]
    columns: tuple[Column, ...]
    kind: str = "features"

    def __post_init__(self) -> None:
        values = _own(self.values)
        rows, columns = as_keys(self.rows), tuple(self.columns)
        if values.ndim != 2 or values.shape != (len(rows), len(columns)):
            raise TableError(
                f"values of shape {values.shape} for {len(rows)} rows and {len(columns)} columns",
                "one value per row and column",
                "pass a 2D array with one row per key and one column per record",
            )
        refuse_duplicates(rows, f"the {self.kind} table")
        names = [column.name for column in columns]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise TableError(f"columns named twice: {', '.join(twice[:5])}", "unique names", "rename or drop one")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "_place", {name: place for place, name in enumerate(names)})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def patients(self) -> tuple[str, ...]:
        """Distinct patients, in the order of their first row."""
        return tuple(dict.fromkeys(row.patient for row in self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: str) -> bool:
        return name in self._places()

    def _places(self) -> dict[str, int]:
        places: dict[str, int] = self._place  # type: ignore[attr-defined]
        return places

    def place(self, name: str) -> int:
        """Return the position of a column; `TableError` names the nearest legal one."""
        places = self._places()
        if name not in places:
            hint = nearest(name, places) or "choose one of these"
            some = ", ".join(list(places)[:8]) + (" ..." if len(places) > 8 else "")
            raise TableError(f"column {name!r} of the {self.kind} table", some, hint)
        return places[name]

    def column(self, name: str) -> Column:
        """Return the record of a column."""
        return self.columns[self.place(name)]

    def __getitem__(self, name: str) -> FloatArray:
        return np.asarray(self.values[:, self.place(name)])

    def select(self, names: Iterable[str]) -> Table:
        """Return a table of the named columns, in that order."""
        places = [self.place(name) for name in names]
        return replace(self, values=self.values[:, places], columns=tuple(self.columns[place] for place in places))

    def where(self, keep: Callable[[Column], bool]) -> Table:
        """Return a table of the columns whose record `keep` accepts."""
        return self.select([column.name for column in self.columns if keep(column)])

    def take(self, index: npt.ArrayLike | slice) -> Table:
        """Return a table of the rows chosen by an integer or boolean `index`, or by a slice."""
        chosen = np.arange(len(self.rows))[index if isinstance(index, slice) else np.asarray(index)]
        return replace(self, values=self.values[chosen], rows=tuple(self.rows[place] for place in chosen))

    def of_patients(self, patients: Iterable[str]) -> Table:
        """Return the rows of the given patients, in the order of `patients`; patients without a row are left out."""
        places: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            places.setdefault(row.patient, []).append(place)
        index = [place for patient in patients for place in places.get(patient, [])]
        return self.take(np.array(index, dtype=np.intp))

    def per_patient(self, how: Literal["only", "mean", "max", "min", "first"] = "only") -> Table:
        """Return one row per patient, keyed by patient alone.

        "only" refuses several rows per patient with `TableError`; the others aggregate, ignoring missing values
        ("first" takes the first row). Augmented copies do not count. Methods that assume independent rows call this
        gate first.
        """
        own = [place for place, row in enumerate(self.rows) if not is_copy(row)]
        if len(own) < len(self.rows):
            refuse_copies_alone(self.rows)
            return replace(self, values=self.values[own], rows=tuple(self.rows[place] for place in own)).per_patient(
                how
            )
        patients = self.patients
        if len(patients) == len(self.rows):
            return replace(self, rows=as_keys(patients))
        if how == "only":
            extra = len(self.rows) - len(patients)
            raise TableError(
                f"{len(self.rows)} rows of {len(patients)} patients in the {self.kind} table ({extra} too many)",
                "one row per patient, since rows of one patient are not independent",
                'say how to aggregate: mean, max, min or first (or, for associations, several = "clustered")',
            )
        groups = [[place for place, row in enumerate(self.rows) if row.patient == patient] for patient in patients]
        values = np.array([_aggregate(self.values[group], how) for group in groups]).reshape(len(groups), -1)
        return replace(self, values=values, rows=as_keys(patients))

    def beside(self, other: Table) -> Table:
        """Return the columns of both tables for the rows of this one; rows missing in `other` become NaN."""
        index = {row: place for place, row in enumerate(other.rows)}
        values = np.full((len(self.rows), len(other.columns)), np.nan)
        for place, row in enumerate(self.rows):
            if row in index:
                values[place] = other.values[index[row]]
        columns = (*self.columns, *other.columns)
        return replace(self, values=np.hstack([self.values, values]), columns=columns)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame indexed by the row key's five parts; categories become pandas categories."""
        import pandas as pd

        index = pd.MultiIndex.from_tuples([tuple(row) for row in self.rows], names=RowKey._fields)
        frame = pd.DataFrame(np.array(self.values), index=index, columns=list(self.names))
        for column in self.columns:
            if column.levels:
                codes = frame[column.name].fillna(-1).to_numpy(dtype=np.intp)
                frame[column.name] = pd.Categorical.from_codes(codes, pd.Index(column.levels), ordered=column.ordered)
        return frame

    @classmethod
    def from_pandas(
        cls, frame: pd.DataFrame, kind: str = "features", columns: Mapping[str, Column] | None = None
    ) -> Table:
        """Return a table of a data frame indexed by patient (or by row-key parts); text becomes categories.

        Raises `TableError` when the index holds numbers, since identifiers turned into numbers have lost digits.
        """
        known = columns or {}
        rows = _keys_of_index(frame)
        records, values = [], []
        for name in frame.columns:
            record, numbers = _column_of_series(str(name), frame[name], known.get(str(name)))
            records.append(record)
            values.append(numbers)
        array = np.array(values, dtype=np.float64).T if values else np.empty((len(rows), 0))
        return cls(array.reshape(len(rows), len(records)), rows, tuple(records), kind)

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (np.array(self.values), self.rows, self.columns, self.kind)

    def __repr__(self) -> str:
        names = ", ".join(self.names[:4]) + (" ..." if len(self.names) > 4 else "")
        word = "column" if len(self.columns) == 1 else "columns"
        rows = f"{len(self.rows)} rows of {len(self.patients)} patients"
        return f"Table {self.kind}: {rows} x {len(self.columns)} {word} ({names})"

    def _repr_html_(self) -> str:
        head = self.take(slice(0, 5)).to_pandas()
        return f"<b>{self!r}</b>{head.to_html(max_cols=8)}"


def _own(values: npt.ArrayLike) -> FloatArray:
    """Return a copy, or the array itself where it is already one that nobody can write to: large ones exist once."""
    whole = isinstance(values, np.ndarray) and values.dtype == np.float64 and values.flags.owndata
    return cast(FloatArray, values) if whole and not values.flags.writeable else np.array(values, dtype=np.float64)  # type: ignore[union-attr]


def _aggregate(block: FloatArray, how: str) -> FloatArray:
    if how == "first":
        return np.asarray(block[0])
    functions: dict[str, Callable[..., FloatArray]] = {"mean": np.nanmean, "max": np.nanmax, "min": np.nanmin}
    if how not in functions:
        raise TableError(f"aggregation {how!r}", "only, mean, max, min, first", nearest(how, functions))
    missing = np.isnan(block).all(axis=0)
    filled = np.where(missing, 0.0, block)
    return np.where(missing, np.nan, functions[how](filled, axis=0))


def _keys_of_index(frame: pd.DataFrame) -> tuple[RowKey, ...]:
    names = list(frame.index.names)
    if frame.index.nlevels == 1:
        if not all(isinstance(item, str) for item in frame.index):
            raise TableError(
                f"an index of {frame.index.dtype} values",
                "patient identifiers as text",
                "read the id column with dtype=str, so that 007 stays 007",
            )
        return as_keys(frame.index)
    unknown = [name for name in names if name not in RowKey._fields]
    if unknown or "patient" not in names:
        raise TableError(f"index levels {names}", ", ".join(RowKey._fields), "name the levels so")
    return tuple(RowKey(**dict(zip(map(str, names), map(str, item), strict=True))) for item in frame.index)


def _column_of_series(name: str, series: pd.Series[Any], record: Column | None) -> tuple[Column, FloatArray]:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = tuple(str(level) for level in series.cat.categories)
        codes = series.cat.codes.to_numpy(dtype=np.float64)
        kind: ColumnKind = "ordinal" if series.cat.ordered else "categorical"
        return record or Column(name, kind, levels=levels), np.where(codes < 0, np.nan, codes)
    if pd.api.types.is_bool_dtype(series.dtype):
        return record or Column(name, "binary"), series.to_numpy(dtype=np.float64)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return record or Column(name), series.to_numpy(dtype=np.float64, na_value=np.nan)
    words = [None if pd.isna(item) else str(item) for item in series]
    levels = tuple(sorted({word for word in words if word is not None})) or ("",)
    code = {level: float(place) for place, level in enumerate(levels)}
    numbers = np.array([np.nan if word is None else code[word] for word in words])
    return record or Column(name, "categorical", levels=levels), numbers


def stack(tables: Sequence[Table]) -> Table:
    """Return the rows of several tables with equal columns, one under another; `TableError` if columns differ."""
    first = tables[0]
    for table in tables[1:]:
        if table.names != first.names:
            odd = sorted(set(table.names) ^ set(first.names))[:5]
            raise TableError(f"tables with different columns ({', '.join(odd)})", "equal columns", "select first")
    rows = tuple(row for table in tables for row in table.rows)
    return replace(first, values=np.vstack([table.values for table in tables]), rows=rows)
