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
        if features.null_count:
            raise ValueError("features: some rows are null; leave them out first")
        if hasattr(features, "combine_chunks"):
            features = features.combine_chunks()
        rows = len(features)
        features = features.flatten().to_numpy(zero_copy_only=False).reshape(rows, -1)
    elif getattr(features, "dtype", None) == object:
        features = np.stack(list(features))
    array = np.ascontiguousarray(features, dtype=np.float32)
    if array.ndim != 2:
        raise ValueError(f"features: an array of [rows, features] is needed, this one has {array.ndim} dimension(s)")
    if width is not None and array.shape[1] != width:
        raise ValueError(f"features: {array.shape[1]} features a row where {width} are needed")
    return array


def address(array: np.ndarray) -> int:
    """Where the first element of a C-ordered array lies. The caller keeps the array alive."""
    assert array.flags.c_contiguous
    return array.ctypes.data


def labels_of(labels: Any, rows: int) -> list[str | None] | None:
    """`labels` as a list of str, None where missing (also NaN); None stays None. Raises ValueError for another length."""
    if labels is None:
        return None
    if hasattr(labels, "to_pylist"):
        labels = labels.to_pylist()
    made = [None if x is None or (isinstance(x, float) and x != x) else str(x) for x in labels]
    if len(made) != rows:
        raise ValueError(f"labels: {len(made)} for {rows} rows")
    return made


def file_bytes(source: str | os.PathLike | bytes | bytearray | memoryview) -> bytes:
    """The bytes of a file, or bytes as they are."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    with open(source, "rb") as file:
        return file.read()
