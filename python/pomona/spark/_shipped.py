"""Models on their way to the executors: read by the driver once, shipped by Spark, opened once in each Python worker."""
from __future__ import annotations

import hashlib
import os
from typing import Any

from pyspark.sql import SparkSession

from pomona import Classifier, Model

from . import _frames

_opened: dict[Any, Model] = {}  # of this worker process, which Spark uses for one task after the other


class Shipped:
    """A model or classifier as tasks carry it: a handle on a broadcast value and the options it is opened with."""

    def __init__(self, spark: SparkSession, model: Model):
        self._kind = type(model)
        self._options = dict(model._options)
        head = self._options.get("head")
        if head is not None:  # a file of the driver's machine
            with open(head, "rb") as file:
                self._head: bytes | None = file.read()
        else:
            self._head = None
        self._options.pop("head", None)
        data = model._data or b""
        self._key = (self._kind.__name__, hashlib.sha256(data + (self._head or b"")).hexdigest(),
                     tuple(sorted((k, str(v)) for k, v in self._options.items())))
        self._value = spark.sparkContext.broadcast(data) if data else None

    def open(self) -> Model:
        """The model, in a task."""
        if self._key not in _opened:
            _opened.clear()  # one model at a time: memory of workers that live long
            data = self._value.value if self._value is not None else None
            options = dict(self._options)
            if self._head is None:
                _opened[self._key] = self._kind(data, **options)
            else:
                _opened[self._key] = _with_head(data, self._head, options)
        return _opened[self._key]


def _with_head(data: bytes | None, head: bytes, options: dict[str, Any]) -> Classifier:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "head.onnx")
        with open(path, "wb") as file:
            file.write(head)
        return Classifier(data, head=path, **options)


def open_on_driver(spark: SparkSession, model: Any, kind: type = Model, **options: Any) -> tuple[Model, str]:
    """(model, where its file is: "" for one in memory, "embedded" for the one in the package) of None, a path or URI, or an
    open Model."""
    if isinstance(model, Model):
        if any(value for value in options.values()):
            raise ValueError("options of the model: they are set where it is opened, pomona.Model(..., precision=...)")
        return model, "embedded" if model._data is None else ""
    if model is None:
        return kind(None, **options), "embedded"
    uri = os.fspath(model)
    return kind(_frames.read_bytes(spark, uri), **options), uri
