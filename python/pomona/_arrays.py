"""Arrays that C may read and write: dtype, shape and order checked here, once."""
from __future__ import annotations

import os
from typing import Any

import numpy as np


def rows_of(features: Any, width: int | None = None) -> np.ndarray:
    """`features` as C-ordered float32 [rows, width], copied only where it is something else.

    Accepts arrays, lists of rows, and Arrow arrays of lists (pyarrow, or a pandas column of them). Raises ValueError for
    another number of dimensions or another width.
    """
    if hasattr(features, "flatten") and hasattr(features, "null_count"):  # an Arrow list array
        features = _rows_of_lists(features, width)
    elif getattr(features, "dtype", None) == object:
        features = np.stack(list(features))
    array = np.ascontiguousarray(features, dtype=np.float32)
    if array.ndim != 2:
        raise ValueError(f"features: an array of [rows, features] is needed, this one has {array.ndim} dimension(s)")
    if width is not None and array.shape[1] != width:
        raise ValueError(f"features: {array.shape[1]} features a row where {width} are needed")
    return array


def _rows_of_lists(lists: Any, width: int | None) -> np.ndarray:
    if lists.null_count:
        raise ValueError("features: some rows are null; leave them out first")
    if hasattr(lists, "combine_chunks"):
        lists = lists.combine_chunks()
    rows, values = len(lists), lists.flatten()
    if values.null_count:
        raise ValueError("features: there are nulls among the features of a row")
    if width is None:
        width = len(lists[0]) if rows else 0
    if hasattr(lists, "value_lengths") and any(length != width for length in lists.value_lengths().unique().to_pylist()):
        raise ValueError(f"features: not all rows have {width} features")
    return values.to_numpy(zero_copy_only=False).reshape(rows, len(values) // rows if rows else width)


def address(array: np.ndarray) -> int:
    """Where the first element of a C-ordered array lies. The caller keeps the array alive."""
    assert array.flags.c_contiguous
    return array.ctypes.data


def arrow_of(batch: Any) -> tuple[Any, Any]:
    """The capsules (schema, array) of a record batch. TypeError for what is none."""
    if hasattr(batch, "__arrow_c_array__"):
        return batch.__arrow_c_array__()
    raise TypeError(f"a record batch with __arrow_c_array__ is needed, not {type(batch).__name__}; a table gives its batches one by "
                    "one: pyarrow.table(...).to_batches()")


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has for them: NA and NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, (float, np.floating)) and value != value)


def labels_of(labels: Any, rows: int) -> list[str | None] | None:
    """`labels` as a list of str, None where missing (also NaN); None stays None. Raises ValueError for another length."""
    if labels is None:
        return None
    if hasattr(labels, "to_pylist"):
        labels = labels.to_pylist()
    made = [None if is_missing(x) else str(x) for x in labels]
    if len(made) != rows:
        raise ValueError(f"labels: {len(made)} for {rows} rows")
    return made


def file_bytes(source: str | os.PathLike | bytes | bytearray | memoryview) -> bytes:
    """The bytes of a file, or bytes as they are. OSError where the file can't be read; TypeError for anything else, also for the
    number of an open file, which open() would take."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"a path or bytes is needed, not {type(source).__name__}")
    with open(source, "rb") as file:
        return file.read()
