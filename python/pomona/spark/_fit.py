"""Features to moments, components, classifiers, and photos to answers."""
from __future__ import annotations

import functools
import os
import tempfile
from typing import Any, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DoubleType, StructField, StructType

import pomona
from pomona import PCA, Classifier, InputError, Moments, _core
from pomona._blas import one_blas_thread

from ._features import BATCH_BYTES, SLICE, model_of
from ._frames import dealt, need_columns, partitions_of, photo_columns, photo_rows, planned_with_rows, provenance
from ._shipped import Shipped

FEATURES = {"features": "features"}
COLLECT_BYTES = 4 << 30
DRIVER_PARTS = 16  # so many moments the driver merges itself: 100 MB, and two more passes through Python cost half a second


class _Sharing:
    """A record batch of chosen columns for C, with any pyarrow that has the PyCapsule interface."""

    @staticmethod
    def columns(batch: pa.RecordBatch, names: tuple[str, ...]) -> pa.RecordBatch:
        present = [name for name in names if name in batch.schema.names]
        return pa.RecordBatch.from_arrays([batch.column(batch.schema.get_field_index(name)) for name in present], present)


def _width(batch: pa.RecordBatch) -> int:
    column = batch.column(batch.schema.get_field_index("features"))
    for value in column:
        if value.is_valid:
            return len(value)
    return 0


def _part_moments(batches: Iterator[pa.RecordBatch], space: str) -> Iterator[pa.RecordBatch]:
    made = None
    for batch in batches:
        if made is None:
            width = _width(batch)
            if width == 0:
                continue
            made = Moments(width, space)
        made.add_arrow(_Sharing.columns(batch, ("path", "label", "features")))
    if made is not None:
        yield pa.RecordBatch.from_arrays([pa.array([made.to_bytes()], pa.binary())], ["moments"])


def _merge(a: bytes, b: bytes) -> bytes:
    """Moments of both; b"" is those of no rows."""
    if not a or not b:
        return a or b
    merged = Moments.from_bytes(a)
    merged += Moments.from_bytes(b)
    return merged.to_bytes()


def moments(features: DataFrame, depth: int = 2) -> Moments:
    """The exact moments of a table of features (column features; label and path if it has them), rows without features left out.

    Each task adds its rows, as many tasks as there are cores, since what they leave is 6.5 MB each (1,024 features). The driver merges
    those of few tasks, and treeReduce (`depth` levels) those of many. Equal to the bit for any partitioning, to those of
    `pomona features` as well. InputError: features of several models in one table, NaN, widths that differ, no rows.
    """
    need_columns(features, FEATURES, "features")
    space = provenance(features).get("feature_space", "")
    names = [name for name in ("path", "label", "features") if name in features.columns]
    rows = features.select(*names)
    cores = rows.sparkSession.sparkContext.defaultParallelism
    tasks = partitions_of(rows)
    if cores < tasks:
        tasks, rows = cores, rows.coalesce(cores)
    parts = rows.mapInArrow(lambda batches: _part_moments(batches, space), "moments binary")
    if tasks > DRIVER_PARTS:
        merged = parts.rdd.map(lambda row: bytes(row[0])).treeAggregate(b"", _merge, _merge, depth)
    else:
        merged = functools.reduce(_merge, (bytes(row[0]) for row in parts.collect()), b"")
    if not merged:
        raise InputError("moments: the table has no row with features")
    return Moments.from_bytes(merged)


def _project(batches: Iterator[pa.RecordBatch], pca: PCA, spark_scores: bool) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        column = batch.column(batch.schema.get_field_index("features"))
        there = column.is_valid().to_numpy(zero_copy_only=False)
        values = column.flatten().to_numpy(zero_copy_only=False)
        if any(length != pca.width for length in column.value_lengths().unique().to_pylist() if length is not None):
            raise InputError(f"transform: rows that do not have {pca.width} features, as the components need")
        scores = pca.transform(values.reshape(-1, pca.width), spark=spark_scores)
        offsets = np.concatenate([[0], np.cumsum(there * pca.k)]).astype(np.int32)
        made = pa.ListArray.from_arrays(pa.array(offsets), pa.array(scores.reshape(-1)))
        if not there.all():
            made = pa.ListArray.from_buffers(made.type, len(there), [pa.array(there).buffers()[1], made.buffers()[1]],
                                             int((~there).sum()), 0, [made.values])
        yield pa.RecordBatch.from_arrays([*batch.columns, made], [*batch.schema.names, "pca"])


def transform(features: DataFrame, pca: PCA, *, output: str = "pca", scores: str = "centred") -> DataFrame:
    """The table with a column more: the scores of its features, array<double> [k], null where features are.

    scores   "centred" (default), or "spark": as Spark's PCAModel, without subtracting the mean from features that are not
             standardised
    InputError: features of another model than the components were fitted to.
    """
    need_columns(features, FEATURES, "features")
    if scores not in ("centred", "spark"):
        raise ValueError('scores: "centred" or "spark"')
    made_by = provenance(features)
    space = made_by.get("feature_space", "")
    if space and pca.feature_space and space != pca.feature_space:
        raise InputError(f"the components were fitted to features of another model (feature space {pca.feature_space[:16]}) than "
                         f"these ({space[:16]})")
    rest = [column for column in features.columns if column != output]
    schema = StructType([*features.select(*rest).schema.fields, StructField(output, ArrayType(DoubleType()))])
    as_spark = scores == "spark"
    return features.select(*rest).mapInArrow(lambda batches: _project(batches, pca, as_spark), schema)


def _as_bytes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.RecordBatch.from_arrays([pa.array([sink.getvalue().to_pybytes()], pa.binary())], ["batch"])


def _collect(features: DataFrame, most: int) -> tuple[np.ndarray, list[str], list[str]]:
    """(features, labels, paths) of the labelled rows, on the driver, sorted by path: a fit does not depend on partitions."""
    rows = features.where("features is not null and label is not null").select("path", "label", "features")
    arrays, labels, paths, total = [], [], [], 0
    for row in rows.mapInArrow(_as_bytes, "batch binary").toLocalIterator(prefetchPartitions=True):
        table = pa.ipc.open_stream(bytes(row[0])).read_all()
        values = table.column("features").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        total += values.nbytes
        if total > most:
            raise ValueError(f"train: more than {most} bytes of features; max_bytes allows more, and head=\"lda\" or \"ridge\" with a "
                             "regularisation learns from moments, without bringing rows to the driver")
        arrays.append(values.astype(np.float32, copy=False).reshape(table.num_rows, -1))
        labels += table.column("label").to_pylist()
        paths += table.column("path").to_pylist()
    if not arrays:
        raise InputError("train: no row has both features and a label")
    order = sorted(range(len(paths)), key=lambda i: paths[i].encode())
    return np.concatenate(arrays)[order], [labels[i] for i in order], [paths[i] for i in order]


def train(features: DataFrame, out: str | os.PathLike | None = None, *, model: Any = None, head: str = "logistic",
          regularisation: float = 0, max_bytes: int = COLLECT_BYTES, **options: Any) -> Classifier:
    """Learns a classifier from a table of features (path, label, features).

    out              file of the driver's machine to write; None: only the returned object has it (clf.write(path))
    model            what made the features, where the table does not say it (an open Model, a path or a URI)
    head             "logistic", "ridge", "lda", "knn", "prototype", "auto"
    regularisation   fixed instead of chosen on held-out photos; with "lda" and "ridge" nothing is then brought to the driver but
                     moments, whatever the number of photos (where the model was opened with options of its own, moments do not
                     say which, and rows are brought); options that need rows are then refused
    max_bytes        the labelled features that the driver takes otherwise
    options          those of pomona.train: folds, group, hierarchy, on, seed, class_weights, false_reject ...

    The same classifier as pomona.train on one machine, for any partitioning.
    """
    need_columns(features, {**FEATURES, "path": "string", "label": "string"}, "features")
    made_by = provenance(features)
    opened = model_of(features, made_by, model)
    with tempfile.TemporaryDirectory(prefix="pomona-train-") as folder:
        target = os.path.join(folder, "classifier.onnx")
        if head in ("lda", "ridge") and regularisation > 0 and _is_default(opened):
            made = _train_from_moments(features, opened, target, head, regularisation, folder, options)
        else:
            x, labels, paths = _collect(features, max_bytes)
            made = pomona.train(x, labels, target, model=opened, paths=paths, head=head, regularisation=regularisation,
                                **options)
        found = made.training
        made = Classifier(made.to_bytes())
        made.training = found
    if out is not None:
        made.write(out)
    return made


def _is_default(opened: pomona.Model) -> bool:
    """Whether the model's file, opened without options, makes these features: all that moments tell is the feature space."""
    return pomona.Model(opened._data).feature_space == opened.feature_space


def _train_from_moments(features: DataFrame, opened: pomona.Model, target: str, head: str, regularisation: float, folder: str,
                        options: dict[str, Any]) -> Classifier:
    known = {"hierarchy", "class_weights", "threads"}
    if set(options) - known:
        raise ValueError(f"train: {', '.join(sorted(set(options) - known))} need rows, and a fixed regularisation learns from moments")
    sums = os.path.join(folder, "moments.pom")
    moments(features.where("label is not null")).write(sums)
    backbone = None
    if opened._data is not None:
        backbone = os.path.join(folder, "backbone.onnx")
        with open(backbone, "wb") as file:
            file.write(opened._data)
    hierarchy = options.get("hierarchy")
    with one_blas_thread():
        found = _core.train(opened._context, sums, backbone, target, head, None, 0, None,
                            None if hierarchy is None else os.fspath(hierarchy), "features", 0, regularisation,
                            options.get("class_weights", True), -1.0, False, True, options.get("threads", 0))
    made = Classifier(target)
    made.training = found
    return made


ANSWERS = ("path string, class string, probability double, coarse string, coarse_probability double, level string, "
           "rejected boolean, known double, error string")


def answer_columns(answers: list[Any], coarse: bool) -> list[pa.Array]:
    """Class, probability, coarse, coarse_probability, level, rejected, known; None for an answer is a row of nulls."""
    return [
        pa.array([a and a.label for a in answers], pa.string()),
        pa.array([a and a.probability for a in answers], pa.float64()),
        pa.array([a and a.coarse for a in answers], pa.string()),
        pa.array([a.coarse_probability if a and coarse else None for a in answers], pa.float64()),
        pa.array([a and a.level for a in answers], pa.string()),
        pa.array([a and a.level == "rejected" for a in answers], pa.bool_()),
        pa.array([a and a.known for a in answers], pa.float64())]


def _answer(batches: Iterator[pa.RecordBatch], shipped: Shipped) -> Iterator[pa.RecordBatch]:
    classifier = shipped.open()
    coarse = bool(classifier.groups)
    for batch in batches:
        for first in range(0, batch.num_rows, SLICE):
            done = classifier.features_arrow(batch.slice(first, SLICE)).to_pyarrow()
            errors = done.column(3).to_pylist()
            good = [i for i, error in enumerate(errors) if error is None]
            answers: list[Any] = [None] * len(errors)
            if good:
                x = done.column(2).flatten().to_numpy(zero_copy_only=False).reshape(-1, classifier.width)
                for i, answer in zip(good, classifier.predict_features(x)):
                    answers[i] = answer
            columns = [done.column(0), *answer_columns(answers, coarse), done.column(3)]
            yield pa.RecordBatch.from_arrays(columns, [part.split()[0] for part in ANSWERS.split(", ")])


def predict(photos: DataFrame, classifier: Any = None, *, partitions: int | None = None,
            batch_bytes: int = BATCH_BYTES) -> DataFrame:
    """The answers for a table of photos (path, content): path, class, probability, coarse, coarse_probability, level, rejected,
    known, error, as `pomona predict` has them; not kept.

    classifier   an open pomona.Classifier, a path or URI of its file; None: the one inside the package
    """
    from ._shipped import open_on_driver

    need_columns(photos, {"path": "string", "content": "binary"}, "photos")
    spark = photos.sparkSession
    if isinstance(classifier, pomona.Model) and not isinstance(classifier, Classifier):
        raise ValueError("predict: a pomona.Classifier is needed, this is a model without a head")
    opened, _ = open_on_driver(spark, classifier, Classifier)
    shipped = Shipped(spark, opened)
    chosen = dealt(photos.select(*photo_columns(photos)), partitions)
    made = chosen.mapInArrow(lambda batches: _answer(batches, shipped), ANSWERS)
    return planned_with_rows(made, photo_rows(photos, batch_bytes))
