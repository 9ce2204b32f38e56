"""What the pyspark.ml stages have in common: params with accessors, and models whose bytes lie in Parquet beside their params."""
from __future__ import annotations

import hashlib
from typing import Any, Callable

from pyspark.ml.param import Param, Params
from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReadable, MLReader, MLWritable, MLWriter

from pomona import InputError

PART_BYTES = 16 << 20  # a row of what is saved: Spark's messages to its tasks end at 128 MiB


def param(name: str, doc: str, converter: Callable[[Any], Any]) -> Param:
    """A param as the body of a stage's class declares it."""
    return Param(Params._dummy(), name, doc, converter)


def one_of(name: str, *choices: str) -> Callable[[Any], str]:
    """A converter that lets these texts pass; ValueError names them."""

    def convert(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{name}: {' or '.join(repr(choice) for choice in choices)}, not {value!r}")
        return value

    return convert


class Stage(Params):
    """Params that get their accessors from their declarations: `k = param("k", ...)` gives getK() and setK(5), which returns the
    stage. `_defaults` has a value for each."""

    _defaults: dict[str, Any] = {}

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        for name, declared in list(vars(cls).items()):
            if isinstance(declared, Param):
                _add_accessors(cls, name, declared.doc)

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(**self._defaults)

    def setParams(self, **params: Any) -> Any:
        """Sets several; None leaves a param as it is. Returns the stage. TypeError for a name that is none of its params."""
        for name in params:
            if not self.hasParam(name):
                raise TypeError(f"{type(self).__name__}: there is no param '{name}'; it has: "
                                f"{', '.join(param.name for param in self.params)}")
        return self._set(**{name: value for name, value in params.items() if value is not None})


def _add_accessors(cls: type, name: str, doc: str) -> None:
    def get(self: Any) -> Any:
        return self.getOrDefault(name)

    def put(self: Any, value: Any) -> Any:
        return self._set(**{name: value})

    title = name[0].upper() + name[1:]
    for made, prefix in (get, "get"), (put, "set"):
        made.__name__, made.__qualname__, made.__doc__ = prefix + title, f"{cls.__qualname__}.{prefix}{title}", doc
        setattr(cls, made.__name__, made)


class BytesModel(MLReadable, MLWritable):
    """A fitted stage that is its params and some bytes. A subclass has _to_bytes() and _with_bytes(data, where), a class method.

    Saved as metadata/ (Spark's own: class, uid, params; and how many bytes, with their hash) and data/, Parquet with the columns
    part and bytes: one row, more where there are more than 16 MiB.
    """

    def write(self) -> MLWriter:
        return _BytesWriter(self)

    @classmethod
    def read(cls) -> MLReader:
        return _BytesReader(cls)


class _BytesWriter(MLWriter):
    def __init__(self, instance: Any):
        super().__init__()
        self._instance = instance

    def saveImpl(self, path: str) -> None:
        data = self._instance._to_bytes()
        rows = [(i, bytearray(data[first:first + PART_BYTES])) for i, first in enumerate(range(0, len(data), PART_BYTES))]
        context = self.sparkSession.sparkContext
        found = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        DefaultParamsWriter.saveMetadata(self._instance, path, context, extraMetadata={"data": found})
        table = self.sparkSession.createDataFrame(context.parallelize(rows, max(1, len(rows))), "part int, bytes binary")
        table.write.parquet(f"{path.rstrip('/')}/data")


class _BytesReader(MLReader):
    def __init__(self, kind: Any):
        super().__init__()
        self._kind = kind

    def load(self, path: str) -> Any:
        metadata = DefaultParamsReader.loadMetadata(path, self.sparkSession.sparkContext)
        name = f"{self._kind.__module__}.{self._kind.__name__}"
        if metadata["class"] != name:
            raise InputError(f"{path}: holds a {metadata['class']}, not a {name}")
        rows = self.sparkSession.read.parquet(f"{path.rstrip('/')}/data").orderBy("part").toLocalIterator()
        data = b"".join(bytes(row["bytes"]) for row in rows)
        if hashlib.sha256(data).hexdigest() != metadata["data"]["sha256"]:
            raise InputError(f"{path}/data: {len(data)} bytes that are not the {metadata['data']['bytes']} that were saved")
        instance = self._kind._with_bytes(data, path)
        instance._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(instance, metadata)
        return instance
