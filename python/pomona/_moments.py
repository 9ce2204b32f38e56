"""Moments and principal components."""
from __future__ import annotations

import contextlib
import os
import threading
from typing import Any, Iterator

import numpy as np

from . import _core
from ._arrays import address, arrow_of, file_bytes, labels_of, rows_of
from ._blas import one_blas_thread


class Moments:
    """Exact sums of features: count, sums and sums of products, count and sums for each label.

    Features are rounded once to multiples of 2^-20 and summed in integers, so moments form a group: `a + b` over any
    partitioning, in any order, is the same to the bit, and `a - b` is what never having seen b's rows would have given.
    Bounds: |feature| < 2048, at most 4,096 features. Threads may share it (they take turns); pickles.

    width           features of a row
    feature_space   Model.feature_space, "" when unknown; moments of different spaces are never mixed (InputError)
    """

    def __init__(self, width: int, feature_space: str = ""):
        self._set_up(_core.moments_new(_core.context_new(None), width, feature_space))

    def _set_up(self, handle: Any) -> None:
        self._handle = handle
        self._lock = threading.Lock()  # the C object takes one thread at a time, and its calls release the GIL
        info = _core.moments_info(handle)
        self._width, self._feature_space = info["features"], info["feature_space"]

    @contextlib.contextmanager
    def _with(self, other: "Moments") -> Iterator[None]:
        """Both locked, in one order for all threads."""
        first, second = sorted((self, other), key=id)
        with first._lock, contextlib.nullcontext() if first is second else second._lock:
            yield

    @classmethod
    def of(cls, features: Any, labels: Any = None, *, model: Any = None) -> "Moments":
        """The moments of an array [rows, features]; `model` says which feature space it is."""
        array = rows_of(features)
        return cls(array.shape[1], model.feature_space if model is not None else "").add(array, labels)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "moments") -> "Moments":
        """The inverse of to_bytes; also the bytes of a moments.pom of the command line. InputError where damaged."""
        made = cls.__new__(cls)
        made._set_up(_core.moments_from_bytes(_core.context_new(None), name, bytes(data)))
        return made

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Moments":
        """Reads a moments.pom."""
        return cls.from_bytes(file_bytes(path), os.fspath(path))

    def to_bytes(self) -> bytes:
        """Equal moments, equal bytes, whatever their history."""
        with self._lock:
            return _core.moments_to_bytes(self._handle)

    def write(self, path: str | os.PathLike) -> None:
        """Writes a moments.pom, as the command line has it."""
        write_whole(path, self.to_bytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Moments.from_bytes, (self.to_bytes(),)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Moments) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def add(self, features: Any, labels: Any = None) -> "Moments":
        """Adds rows [rows, width] with their labels (str or None each; None: no labels). Returns self. InputError for NaN, infinity
        or |feature| >= 2048, naming the row; the rows before it are then in."""
        array = rows_of(features, self.width)
        names = labels_of(labels, len(array))
        with self._lock:
            _core.moments_add(self._handle, len(array), self.width, address(array), names)
        return self

    def add_arrow(self, batch: Any) -> int:
        """Adds a record batch with the columns features, label and path (the last two optional), by `__arrow_c_array__`. Rows
        whose features are null are left out; a null among the features of a row is an InputError, as in add. Returns how many
        were added."""
        capsules = arrow_of(batch)
        with self._lock:
            return _core.moments_add_arrow(self._handle, *capsules)

    def __iadd__(self, other: "Moments") -> "Moments":
        if not isinstance(other, Moments):
            return NotImplemented
        with self._with(other):
            _core.moments_merge(self._handle, other._handle)
        return self

    def __isub__(self, other: "Moments") -> "Moments":
        if not isinstance(other, Moments):
            return NotImplemented
        with self._with(other):
            _core.moments_subtract(self._handle, other._handle)
        return self

    def __add__(self, other: "Moments") -> "Moments":
        if not isinstance(other, Moments):
            return NotImplemented
        made = Moments.from_bytes(self.to_bytes())
        made += other
        return made

    def __sub__(self, other: "Moments") -> "Moments":
        if not isinstance(other, Moments):
            return NotImplemented
        made = Moments.from_bytes(self.to_bytes())
        made -= other
        return made

    @property
    def info(self) -> dict[str, Any]:
        """rows, features, feature_space, labels ({label or None: rows})."""
        with self._lock:
            return _core.moments_info(self._handle)

    @property
    def rows(self) -> int:
        """Rows added, less those subtracted."""
        return self.info["rows"]

    @property
    def width(self) -> int:
        """Features of a row."""
        return self._width

    @property
    def feature_space(self) -> str:
        """Of the model that made the features, "" when unknown."""
        return self._feature_space

    @property
    def labels(self) -> dict[str | None, int]:
        """{label, or None for rows without one: rows}."""
        return self.info["labels"]

    def __repr__(self) -> str:
        info = self.info
        return f"<pomona.Moments of {info['rows']} rows, {info['features']} features, {len(info['labels'])} labels>"

    def _statistics(self) -> tuple[np.ndarray, np.ndarray]:
        mean, deviation = np.empty(self.width), np.empty(self.width)
        with self._lock:
            _core.moments_statistics(self._handle, address(mean), address(deviation))
        return mean, deviation

    def mean(self) -> np.ndarray:
        """float64 [width]."""
        return self._statistics()[0]

    def std(self) -> np.ndarray:
        """The corrected (n - 1) standard deviation, float64 [width]; 0 for a constant feature."""
        return self._statistics()[1]

    def pca(self, k: int = 0, *, variance: float = 0, max_k: int = 0, standardise: bool = True) -> "PCA":
        """Principal components.

        k          exactly so many, 1..rank; 0: 50, or as many as there are
        variance   instead of k: the fewest that explain this share, in (0, 1]
        max_k      with variance: more is a UsageError
        """
        with self._lock, one_blas_thread():
            return PCA._of(_core.pca_fit(self._handle, k, variance, max_k, standardise))


class PCA:
    """A fitted principal component analysis: pca.model of the command line. Immutable; threads may share it; pickles.

    Features are centred and (unless standardise=False) divided by their corrected standard deviation; each component has
    length 1 and its loading of largest magnitude is positive.
    """

    def __init__(self) -> None:
        raise TypeError("PCA comes from Moments.pca(), pomona.pca(), PCA.read() or PCA.from_bytes()")

    @classmethod
    def _of(cls, handle: Any) -> "PCA":
        made = cls.__new__(cls)
        made._handle = handle
        made._info = _core.pca_info(handle)
        return made

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "PCA model") -> "PCA":
        """The inverse of to_bytes; also the bytes of a pca.model of the command line. InputError where damaged."""
        return cls._of(_core.pca_from_bytes(name, bytes(data)))

    @classmethod
    def read(cls, path: str | os.PathLike) -> "PCA":
        """Reads a pca.model."""
        return cls.from_bytes(file_bytes(path), os.fspath(path))

    def to_bytes(self) -> bytes:
        """A pca.model in memory."""
        return _core.pca_to_bytes(self._handle)

    def write(self, path: str | os.PathLike) -> None:
        """Writes a pca.model, as the command line has it."""
        write_whole(path, self.to_bytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return PCA.from_bytes, (self.to_bytes(),)

    def _array(self, name: str, *shape: int) -> np.ndarray:
        return np.frombuffer(self._info[name], np.float64).reshape(shape)

    @property
    def k(self) -> int:
        """Components."""
        return self._info["k"]

    @property
    def width(self) -> int:
        """Features of a row."""
        return self._info["features"]

    @property
    def rank(self) -> int:
        """Components that are more than rounding: the most that k can be."""
        return self._info["rank"]

    @property
    def rows(self) -> int:
        """Rows that it was fitted to."""
        return self._info["rows"]

    @property
    def feature_space(self) -> str:
        """Of the model that made the features, "" when unknown."""
        return self._info["feature_space"]

    @property
    def hash(self) -> str:
        """SHA-256 of to_bytes()."""
        return self._info["hash"]

    @property
    def components(self) -> np.ndarray:
        """float64 [k, width], read-only, as are the arrays below."""
        return self._array("components", self.k, self.width)

    @property
    def mean(self) -> np.ndarray:
        """What features are centred by: float64 [width]."""
        return self._array("mean", self.width)

    @property
    def scale(self) -> np.ndarray:
        """What features are divided by: 0 for a constant one, 1 where they are only centred."""
        return self._array("scale", self.width)

    @property
    def eigenvalues(self) -> np.ndarray:
        """All of them, descending: float64 [width]."""
        return self._array("eigenvalues", self.width)

    @property
    def explained_variance_ratio(self) -> np.ndarray:
        """Share of the variance that each of the k components explains."""
        return self.eigenvalues[:self.k] / self._info["total_variance"]

    def transform(self, features: Any, *, spark: bool = False) -> np.ndarray:
        """Scores float64 [rows, k] of features [rows, width]. `spark`: without subtracting the mean from features that are not
        standardised, as Spark's PCAModel does."""
        array = rows_of(features, self.width)
        scores = np.empty((len(array), self.k))
        _core.pca_project(self._handle, len(array), address(array), spark, address(scores))
        return scores

    def __repr__(self) -> str:
        return (f"<pomona.PCA {self.width} -> {self.k}, {100 * self.explained_variance_ratio.sum():.1f} % of the variance of "
                f"{self.rows} rows>")


def pca(features: Any, k: int = 0, *, variance: float = 0, max_k: int = 0, standardise: bool = True) -> PCA:
    """The principal components of features [rows, width]; see Moments.pca."""
    return Moments.of(features).pca(k, variance=variance, max_k=max_k, standardise=standardise)


def write_whole(path: str | os.PathLike, data: bytes) -> None:
    """Writes a file that is whole or not there: temporary name, fsync, rename."""
    temporary = f"{os.fspath(path)}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
