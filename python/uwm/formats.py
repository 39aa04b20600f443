"""CSV, JSON and TOML, the formats of settings and results."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from typing import Any

from uwm.checks import shown
from uwm.files import replace_file

MOST_BYTES = 10_000_000  # of a JSON file


def read_settings_text(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the settings in a file: TOML if its name ends with .toml, else JSON.

    Raises OSError if it cannot be read, ValueError if it holds anything else.
    """
    return read_toml(path) if os.fspath(path).lower().endswith(".toml") else read_json(path)


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises OSError if it cannot be read, ValueError if it is no TOML or has dates, NaN or infinity,
    which settings do not have; ImportError on Python 3.10 without the package tomli.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise ImportError('TOML files need tomli: pip install "uwm[cli]"') from None
    data = read_bytes(path)
    try:
        values: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"), parse_float=_finite)
        json.dumps(values)
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a TOML file: it is no UTF-8 text") from None
    except RecursionError:
        raise ValueError(f"{path}: not a settings file: brackets are nested too deep") from None
    except TypeError:
        raise ValueError(f"{path}: settings must be no dates or times") from None
    except ValueError as error:
        raise ValueError(f"{path}: not a TOML file: {error}") from None
    return values


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file of settings; raise ValueError for one that is too large."""
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path}: not a settings file: it has more than {MOST_BYTES:,} bytes")
    return data


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the one object in a JSON file, refusing what JSON leaves open.

    Raises OSError if it cannot be read, ValueError if it holds anything else: other data than
    UTF-8 text, NaN or infinity, a name twice, brackets in brackets without end.
    """
    data = read_bytes(path)
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ValueError("it must be UTF-8, got UTF-16")
        values = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_each_once, parse_constant=_no_constant
        )
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a JSON file: it is no UTF-8 text") from None
    except RecursionError:
        raise ValueError(f"{path}: not a settings file: brackets are nested too deep") from None
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must be a JSON object of settings, got {shown(values)}")
    return values


def write_json(path: str | os.PathLike[str], values: Any) -> None:
    """Replace a file by a JSON object."""
    replace_file(path, (json.dumps(values, indent=2) + "\n").encode())


def csv_text(header: list[str], rows: list[list[object]]) -> str:
    """Return a table as CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Return the lines of a CSV file, None where a line is too short.

    Raises OSError or ValueError if it cannot be read.
    """
    try:
        with open(path, newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    except csv.Error as error:
        raise ValueError(f"{path}: not a readable CSV file: {error}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, or raise ValueError if it has a name twice."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"{shown(name)} is given twice")
        made[name] = value
    return made


def _finite(text: str) -> float:
    """Return a number of a TOML file, which may be inf or nan there."""
    value = float(text)
    return value if math.isfinite(value) else _no_constant(text)


def _no_constant(word: str) -> Any:
    """Refuse NaN and infinity, which Python's reader would take."""
    raise ValueError(f"numbers must be finite, got {word}")


def known(value: Any) -> Any:
    """Return a value, None in the place of NaN and infinity, which JSON does not have.

    >>> known(0.5), known(float("nan")), known("ste")
    (0.5, None, 'ste')
    """
    return None if isinstance(value, float) and not math.isfinite(value) else value
