"""Models: one ONNX file, or the network inside the package."""
from __future__ import annotations

import os
import threading
from typing import Any, Iterable, Sequence

import numpy as np

from . import _core
from ._arrays import address, arrow_of, file_bytes

Photo = "str | os.PathLike | bytes | bytearray | memoryview"

CHUNK = 32  # photos a thread takes at a time: what is read ahead stays small
BATCH = 4  # photos the network sees at once


def cpu_threads() -> int:
    """The cores that this process may use, after affinity and control groups."""
    return _core.cpu_threads()


def sample(out: str | os.PathLike, count: int, *, size: int = 100, classes: int = 24, seed: int = 0, threads: int = 0,
           overwrite: bool = False) -> None:
    """Draws `count` synthetic fruit photos (drawings, not photographs) into `out`/<label>/, to try things on: same options, same
    bytes, on every machine. The photos of `pomona sample`."""
    _core.sample(os.fspath(out), count, size, classes, seed, threads, overwrite)


class FeatureBatch:
    """A record batch of (path, label, features, error), for anything that speaks Arrow's PyCapsule interface.

    `pyarrow.record_batch(batch)` takes it over without a copy, once.
    """

    def __init__(self, capsules: tuple[Any, Any]):
        self._capsules: tuple[Any, Any] | None = capsules

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        if self._capsules is None:
            raise ValueError("this batch was handed over already")
        capsules, self._capsules = self._capsules, None
        return capsules

    def to_pyarrow(self) -> Any:
        """A pyarrow.RecordBatch; also with pyarrow 14, whose record_batch() does not take other libraries' batches yet."""
        import pyarrow

        return pyarrow.RecordBatch._import_from_c_capsule(*self.__arrow_c_array__())


class Model:
    """A network that turns photos into feature vectors.

    source      path of an ONNX file, or its bytes; None: the network inside the package, int8 unless `precision` says fp32
    layer       node whose value is the feature vector; None: what the file says, else the input of its last Gemm/MatMul
    profile     "spark-compat" or "phone": how a photo becomes pixels, where the file does not say it
    views       "flip", "scales", "crops" or a list ("100c,60c"): several looks at a photo, whose features are their mean
    decode      "exact" or "scaled"
    size        pixels of a square input other than the network's own
    precision   "auto", "fp32" or "int8"; int8 features are the same bytes on every machine
    tier        "scalar", "avx2", "avx512", "neon", "neondot"; None: the best of this machine

    Raises InputError (missing, damaged, unsupported), UsageError (options that contradict the file). Immutable; threads may
    share it; pickles as the file's bytes and the options.
    """

    def __init__(self, source: str | os.PathLike | bytes | None = None, *, layer: str | None = None,
                 profile: str | None = None, views: str | None = None, decode: str | None = None, size: int = 0,
                 precision: str | None = None, tier: str | None = None):
        self._options = dict(layer=layer, profile=profile, views=views, decode=decode, size=size, precision=precision,
                             tier=tier)
        self._data = None if source is None else file_bytes(source)
        name = "a model in memory" if isinstance(source, (bytes, bytearray, memoryview)) else source and os.fspath(source)
        self._context = _core.context_new(tier)
        self._set_up(_core.model_open(self._context, name, self._data, layer, profile, views, decode, size, precision))

    def _set_up(self, handle: Any) -> None:
        self._handle = handle
        self._info = _core.model_info(handle)
        self._extractors: list[Any] = []  # free ones: each belongs to one thread at a time
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (type(self), self._data, self._options)

    @property
    def info(self) -> dict[str, Any]:
        """What the file holds: name, layer, hash, feature_space, precision, profile, width, height, features, macs ..."""
        return dict(self._info)

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return self._info["features"]

    @property
    def hash(self) -> str:
        """SHA-256 of the file (of the backbone alone in a classifier's)."""
        return self._info["hash"]

    @property
    def feature_space(self) -> str:
        """hash(model, layer, profile, precision). Features of different spaces are never mixed."""
        return self._info["feature_space"]

    @property
    def tier(self) -> str:
        """The instruction set that runs."""
        return _core.context_tier(self._context)

    def __repr__(self) -> str:
        info = self._info
        return (f"<pomona.Model {info['name']} {info['precision']} {info['width']}x{info['height']} -> {info['features']} "
                f"on {self.tier}>")

    def _take(self) -> Any:
        with self._lock:
            if self._extractors:
                return self._extractors.pop()
        return _core.extractor_new(self._context, self._handle, BATCH)

    def _give(self, extractor: Any) -> None:
        with self._lock:
            self._extractors.append(extractor)

    def features(self, photos: Iterable[Any], *, errors: str = "raise", threads: int | None = None) -> Any:
        """The feature vectors of photos (JPEG files as paths or bytes): float32 [photos, width], in their order.

        errors    "raise": the first photo that fails raises InputError, naming it, and later ones are left. "return": (features, reasons), where
                  reasons[i] is None or why photo i has no features; its row is NaN
        threads   default: cpu_threads()

        A photo's features do not depend on the others, on their order or on threads. Files are read while others compute.
        """
        if errors not in ("raise", "return"):
            raise ValueError('errors: "raise" or "return"')
        if isinstance(photos, (str, bytes, bytearray, memoryview, os.PathLike)):
            raise TypeError("photos: a list of photos is needed, not one photo")
        photos = list(photos)
        features = np.full((len(photos), self.width), np.nan, np.float32)
        starts = range(0, len(photos), CHUNK)
        workers = max(1, min(threads or cpu_threads(), len(starts)))
        failed = threading.Event()  # chunks begin in order, so one that has not begun can't hold the first failure

        def run(start: int) -> list[str | None]:
            if failed.is_set():
                return []
            found = self._run(photos[start:start + CHUNK], start, features[start:start + CHUNK])
            if errors == "raise" and any(reason is not None for reason in found):
                failed.set()
            return found

        if workers == 1:
            parts = [run(start) for start in starts]
        else:
            from concurrent.futures import ThreadPoolExecutor  # 20 ms that an executor of Spark does not need

            with ThreadPoolExecutor(workers) as pool:
                parts = list(pool.map(run, starts))
        reasons = [reason for part in parts for reason in part]
        if errors == "return":
            return features, reasons
        for reason in reasons:
            if reason is not None:
                raise _core.InputError(reason)
        return features

    def _run(self, photos: Sequence[Any], first: int, out: np.ndarray) -> list[str | None]:
        contents, names, reasons = [], [], []
        for i, photo in enumerate(photos):
            reason = None
            is_path = isinstance(photo, (str, os.PathLike))
            try:
                contents.append(file_bytes(photo))
            except OSError as failure:
                contents.append(b"")
                reason = f"{os.fspath(photo)}: {failure.strerror}"
            names.append(os.fsencode(photo) if is_path else b"photo %d" % (first + i))
            reasons.append(reason)
        extractor = self._take()
        found = _core.extractor_run(extractor, self.width, contents, names, address(out))
        self._give(extractor)
        reasons = [read or decoded for read, decoded in zip(reasons, found)]
        for i, reason in enumerate(reasons):
            if reason is not None:
                out[i] = np.nan
        return reasons

    def features_arrow(self, batch: Any) -> FeatureBatch:
        """A record batch with the columns content (binary), path and label (string; both optional) to one with path, label,
        features (list of float) and error: one row for each, features null where error is not. Without a label column the
        label is the name of the photo's folder, from path. A text in an optional column error (the reason why a photo could not be
        read) stands for the photo: it is not decoded, and the row has that error. No copy of the photos; one thread.

        `batch` is anything with `__arrow_c_array__`: pyarrow 14 and later, nanoarrow. Tables of several batches (pyarrow.Table, Polars,
        DuckDB) go batch by batch: `for batch in pyarrow.table(frame).to_batches()`. Raises InputError that names a column which is
        missing or of another type.
        """
        schema, array = arrow_of(batch)
        extractor = self._take()
        try:
            return FeatureBatch(_core.arrow_extract(extractor, self.width, schema, array))
        finally:
            self._give(extractor)

    def seconds(self) -> dict[str, float]:
        """Seconds spent so far in decoding, resizing and the network, summed over threads that are idle now."""
        with self._lock:
            stages = [_core.extractor_seconds(extractor) for extractor in self._extractors]
        return {name: sum(stage[i] for stage in stages) for i, name in enumerate(("decode", "resize", "net"))}


def _reopen(kind: type, data: bytes | None, options: dict[str, Any]) -> Any:
    return kind(data, **options)
