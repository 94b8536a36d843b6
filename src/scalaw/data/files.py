"""Files and data frames as a raw table: a header and columns of cells, nothing interpreted.

CSV and TSV are read with the standard library and not with pandas, which would shift columns silently when
a row has too many fields. The delimiter is taken from the header line, and said when it is not the expected
one. Gzip is unpacked wherever it is met. What is no text table (a spreadsheet, a web page) is named for
what it is.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scalaw.data.cells import Cells
from scalaw.data.wording import plural, quoted
from scalaw.errors import Problem, ScalawError

MAX_BYTES = 2 * 1024**3
MANY_ROWS = 1_000_000

_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_MAGIC = (
    (b"PK\x03\x04", "a zip file such as an Excel workbook", "export it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "export it as CSV"),
    (b"PAR1", "Parquet", "name it .parquet"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first"),
    (b"%PDF", "a PDF", "copy its table into a CSV file"),
    (b"\x89HDF", "an HDF5 file", "export it as CSV or Parquet"),
)


@dataclass(frozen=True)
class RawTable:
    """Column names as they are, one sequence of cells per column, and what was met on the way."""

    header: tuple[str, ...]
    cells: tuple[Cells, ...]
    source: str
    problems: tuple[Problem, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.cells[0]) if self.cells else 0


def load_file(path: str | Path, sep: str | None = None, encoding: str = "utf-8") -> RawTable:
    """Read a file into a raw table.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, JSON (list of objects), JSONL or Parquet, by its ending; ``.gz`` may follow.
    sep : str, optional
        Delimiter; found from the header line by default.
    encoding : str
        Of text files.

    Raises
    ------
    ScalawError
        D001–D004, D010, D012, D015–D018.
    """
    path = Path(path)
    name = quoted(path.name, 60)[1:-1]
    data = _bytes(path, name)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")
    if kind in (".parquet", ".pq"):
        return _parquet(data, name)
    text, problems = _text(data, encoding, name)
    if kind == ".json":
        return _records(_json(text, name), name, problems)
    if kind in (".jsonl", ".ndjson"):
        return _records(_json_lines(text, name), name, problems)
    return _delimited(text, "\t" if kind in (".tsv", ".tab") else ",", sep, name, problems)


def load_text(path: Path, encoding: str = "utf-8") -> tuple[str, list[Problem]]:
    """Text of a file, unpacked where it is gzip, and what was met on the way (D001, D002, D004, D015, D016)."""
    name = quoted(path.name, 60)[1:-1]
    return _text(_bytes(path, name), encoding, name)


def load_frame(frame: Any, source: str = "table") -> RawTable:
    """Read a pandas or polars frame, anything with ``to_pandas``, or a mapping of columns.

    Raises
    ------
    ScalawError
        D003 without rows, D017 for anything else, D018 when the conversion needs a missing package.
    """
    if isinstance(frame, Mapping):
        try:
            frame = pd.DataFrame(dict(frame))
        except ValueError as error:
            raise ScalawError(
                "D017", f"no table: {quoted(error, 150)[1:-1]}", source, fix="give columns of one length"
            ) from error
    elif not isinstance(frame, pd.DataFrame) and hasattr(frame, "to_pandas"):
        try:
            frame = frame.to_pandas()
        except ImportError as error:
            fix = "install scalaw[parquet], or pass frame.to_dict()"
            raise ScalawError("D018", f"reading this frame needs {error.name}", source, fix=fix) from error
    if not isinstance(frame, pd.DataFrame):
        fix = "give a file name, a data frame or a mapping of columns"
        raise ScalawError("D017", f"{type(frame).__name__} is no table", source, fix=fix)
    if any(name is not None for name in frame.index.names):
        # A named index is a column that the user set aside.
        frame = frame.reset_index()
    header = tuple(
        " ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns
    )
    cells = tuple(_column(frame.iloc[:, place]) for place in range(len(header)))
    return _checked(RawTable(header, cells, source))


def _column(column: pd.Series) -> Cells:
    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(bool, na_value=False)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "cmM":
        return column.to_numpy()
    if pd.api.types.is_datetime64_any_dtype(column):
        return np.array(column.dt.tz_localize(None))
    return [_text_of(cell) for cell in column.astype(object)]


def _text_of(cell: Any) -> str:
    return "" if cell is None or cell is pd.NA or cell != cell else str(cell)


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise ScalawError("D001", "is a folder, not a file", name, fix="name a file in it")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as unpacked:
                data = unpacked.read(MAX_BYTES + 1)
    except ScalawError:
        raise
    except FileNotFoundError as error:
        near = difflib.get_close_matches(path.name, _neighbours(path), 1)
        fix = f"the folder has {quoted(near[0], 60)}" if near else "check the name and the folder"
        raise ScalawError("D001", "no such file", name, fix=fix) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ScalawError("D015", "is a broken gzip file", name, str(error)[:80], "pack it again") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ScalawError("D001", f"cannot be opened: {quoted(reason, 80)[1:-1]}", name) from error
    if len(data) > MAX_BYTES:
        raise ScalawError("D016", "is larger than 2 GB", name, fix="keep the last row of each run")
    if not data:
        raise ScalawError("D002", "is empty (0 bytes)", name, fix="start with a header line such as N,D,loss")
    return data


def _neighbours(path: Path) -> list[str]:
    try:
        return [other.name for other in path.parent.iterdir()]
    except OSError:
        return []


def _text(data: bytes, encoding: str, source: str) -> tuple[str, list[Problem]]:
    for magic, what, fix in _MAGIC:
        if data.startswith(magic):
            raise ScalawError("D015", f"is {what}, not text", source, fix=fix)
    if data[:512].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ScalawError("D015", "is a web page, not a table", source, fix="download the raw file")
    problems = []
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        problems.append(Problem("D005", "I", "a byte order mark was left out", source))
    try:
        text = data.decode(encoding)
    except LookupError as error:
        raise ScalawError(
            "D004", f"no encoding {quoted(encoding)}", source, fix="use utf-8 or latin-1"
        ) from error
    except UnicodeError as error:
        utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        start = getattr(error, "start", 0)
        what = f"byte 0x{data[start]:02x} at offset {start} is not {encoding.upper()}"
        fix = f"save it as UTF-8 or pass encoding='{'utf-16' if utf_16 else 'latin-1'}'"
        raise ScalawError("D004", what, source, fix=fix) from error
    if "\0" in text:
        what = f"holds a zero byte at character {text.index(chr(0))}"
        raise ScalawError("D004", what, source, fix="save it as UTF-8 text, or pass encoding='utf-16'")
    if not text.strip():
        fix = "start with a header line such as N,D,loss"
        raise ScalawError("D002", "holds nothing but blanks", source, fix=fix)
    return text, problems


def _delimited(text: str, usual: str, sep: str | None, source: str, problems: list[Problem]) -> RawTable:
    if sep is not None and len(sep) != 1:
        raise ScalawError(
            "D007", f"sep={sep!r} is not one character", source, fix="use one of , ; | or a tab"
        )
    delimiter = sep or _delimiter(text, usual)
    if sep is None and delimiter != usual:
        name, expected = _DELIMITERS[delimiter], _DELIMITERS[usual]
        what = f"read with {name} between fields; one column would result with {expected}"
        problems = [*problems, Problem("D007", "W", what, source, fix=f"pass sep={delimiter!r} to silence")]
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        where = f"{source} line {reader.line_num}"
        raise ScalawError(
            "D010", f"cannot be read: {quoted(error, 80)[1:-1]}", where, fix="check the quotes"
        ) from error
    header = [name or f"column_{place + 1}" for place, name in enumerate(rows[0])]
    ragged = [(line, len(row)) for line, row in zip(lines, rows, strict=True) if len(row) != len(header)]
    if ragged:
        shown = ", ".join(f"line {line} has {count}" for line, count in ragged[:3])
        what = f"the header has {plural(len(header), 'field')}; {shown}{', …' if len(ragged) > 3 else ''}"
        raise ScalawError(
            "D010", what, source, fix="give every line as many fields as the header, or quote text"
        )
    if all(_is_number(name) for name in header):
        raise ScalawError(
            "D012", "the first line holds numbers, not names", source, fix="add a header: N,D,loss"
        )
    cells = tuple(list(column) for column in zip(*rows[1:], strict=True))
    return _checked(RawTable(tuple(header), cells, source, tuple(problems)))


def _delimiter(text: str, usual: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    if usual in header:
        return usual
    return max(_DELIMITERS, key=lambda delimiter: (header.count(delimiter), delimiter == usual))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise ScalawError("D011", f"key {quoted(name)} appears twice in one object", fix="rename one")
    return result


def _json(text: str, source: str, line: int = 1) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"{source} line {error.lineno + line - 1} column {error.colno}"
        fix = (
            "name it .jsonl if every line is an object"
            if error.msg == "Extra data"
            else "check the commas and quotes"
        )
        raise ScalawError("D017", f"broken JSON: {error.msg}", where, fix=fix) from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, ScalawError):
            raise
        raise ScalawError("D017", f"broken JSON: {error}"[:120], f"{source} line {line}") from error


def _json_lines(text: str, source: str) -> list[Any]:
    lines = enumerate(text.split("\n"), 1)
    return [_json(line, source, number) for number, line in lines if line.strip()]


def _records(records: Any, source: str, problems: list[Problem]) -> RawTable:
    fault = None if isinstance(records, list) else type(records).__name__
    if fault is None:
        wrong = [place for place, record in enumerate(records) if not isinstance(record, dict)]
        fault = f"entry {wrong[0] + 1} of {len(records)} is no object" if wrong else None
    if fault is not None:
        fix = 'write [{"N": 1e9, "D": 2e10, "loss": 2.6}, …]'
        raise ScalawError("D017", f"is not a list of objects: {fault}", source, fix=fix)
    header = tuple(dict.fromkeys(name for record in records for name in record))
    cells = tuple([_text_of(record.get(name)) for record in records] for name in header)
    return _checked(RawTable(header, cells, source, tuple(problems)))


def _parquet(data: bytes, source: str) -> RawTable:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        fix = "pip install 'scalaw[parquet]'"
        raise ScalawError("D018", "reading Parquet needs pyarrow", source, fix=fix) from error
    try:
        frame = pyarrow.parquet.read_table(pyarrow.BufferReader(data)).to_pandas()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise ScalawError(
            "D015", f"is no Parquet file: {quoted(error, 120)[1:-1]}", source, fix="write it again"
        ) from error
    return load_frame(frame, source)


def _checked(table: RawTable) -> RawTable:
    if not table.n_rows:
        fix = "add one line per run"
        raise ScalawError(
            "D003", f"has a header of {plural(len(table.header), 'name')} but 0 runs", table.source, fix=fix
        )
    if table.n_rows > MANY_ROWS:
        what = f"{table.n_rows:,} rows: these look like training curves"
        why, fix = "rows of one run are not independent", "keep one row per run, its last"
        problem = Problem("D016", "W", what, table.source, why, fix)
        return replace(table, problems=(*table.problems, problem))
    return table
