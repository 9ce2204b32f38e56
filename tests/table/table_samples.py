"""What the table tests share: table_tool, the table that it writes, and fixtures to import."""
import json
import math
import pathlib
import subprocess

import numpy
import pytest

from conftest import POMONA

TOOL = pathlib.Path(POMONA).resolve().parents[2] / "tests/table/table_tool"


@pytest.fixture(scope="session")
def table_tool():
    """Runs table_tool and gives its output; a failure raises CalledProcessError with what it said."""
    if not TOOL.exists():
        pytest.skip(f"no {TOOL}: build with -Dtests=true")

    def run(*arguments):
        return subprocess.run([TOOL, *map(str, arguments)], check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture(scope="session")
def dump(table_tool):
    """The rows of a file as pomona reads them: a list of rows, each a list of the named columns' cells."""
    def run(path, *columns):
        return [json.loads(line) for line in table_tool("dump", path, *columns).splitlines()]

    return run


def expected_rows(rows, features=8):
    """What `table_tool write` writes."""
    table = []
    for row in range(rows):
        floats = [float(numpy.float32((row * 31 + j * 7) % 1000) / numpy.float32(8) - numpy.float32(3))
                  for j in range(features)]
        doubles = [value / 3.0 for value in floats]
        table.append({
            "path": f"file:/photos/café/🍎 {row}.jpg",
            "label": None if row % 7 == 3 else f"label-{row % 24}",
            "features": None if row % 13 == 12 else [] if row % 11 == 10 else floats,
            "pca": doubles[:row % 5],
            "number": None if row % 9 == 8 else row * 1000000007 - 5,
            "score": None if row % 10 == 9 else row / 7.0,
            "good": None if row % 6 == 5 else row % 3 == 0,
            "vector": None if row % 8 == 7 else {"type": 1, "size": None, "indices": None, "values": doubles},
        })
    return table


def same_numbers(a, b):
    """Equal lists of floats, NaN equal to NaN."""
    return len(a) == len(b) and all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b))
