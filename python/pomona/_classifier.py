"""Classifiers: opened, asked, trained."""
from __future__ import annotations

import os
from typing import Any, Iterable, NamedTuple

import numpy as np

from . import _core
from ._arrays import address, file_bytes, labels_of, rows_of
from ._blas import one_blas_thread
from ._model import Model
from ._moments import write_whole


class Answer(NamedTuple):
    """What a photo shows.

    label               the most probable class
    probability         of that class, calibrated
    level               "fine": label is the answer; "coarse": only `coarse` is sure enough; "rejected": no class it knows
    coarse              the most probable coarse class, None without a hierarchy
    coarse_probability  of that coarse class, 0 without a hierarchy
    known               score of being one of the classes; compare with Classifier.info["threshold"]
    error               why a photo has no answer (everything else is then None); None where it has
    """

    label: str | None
    probability: float | None
    level: str | None
    coarse: str | None
    coarse_probability: float | None
    known: float | None
    error: str | None = None


class Classifier(Model):
    """A backbone, a head and its labels in one ONNX file (pomona train makes them, or train below).

    source      path or bytes of the file; None: the one inside the package, if the package has one
    head        path of a head-only file, in place of the file's own head
    precision   another than the head was trained on is a UsageError

    Everything a Model has is there too: features() are those of the backbone.
    """

    def __init__(self, source: str | os.PathLike | bytes | None = None, *, head: str | os.PathLike | None = None,
                 precision: str | None = None, tier: str | None = None):
        self._options = dict(head=head, precision=precision, tier=tier)
        self._data = None if source is None else file_bytes(source)
        name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else "a classifier in memory"
        self._context = _core.context_new(tier)
        self._classifier = _core.classifier_open(self._context, name, self._data,
                                                 None if head is None else os.fspath(head), precision)
        self._set_up(_core.classifier_model(self._classifier))
        self._info.update(_core.classifier_info(self._classifier))
        self.training: dict[str, Any] | None = None  # what train() found

    @property
    def classes(self) -> list[str]:
        """The classes it answers, in the order of probabilities()."""
        return list(self._info["classes"])

    @property
    def groups(self) -> list[str]:
        """Coarse classes; empty without a hierarchy."""
        return list(self._info["groups"])

    def to_bytes(self) -> bytes:
        """The file; b"" for the one inside the package."""
        return self._data or b""

    def write(self, path: str | os.PathLike) -> None:
        """Writes the file."""
        write_whole(path, self.to_bytes())

    def _run_head(self, features: Any) -> tuple[np.ndarray, list[tuple[Any, ...]]]:
        array = rows_of(features, self.width)
        probabilities = np.empty((len(array), len(self._info["classes"])))
        answers = _core.classifier_run(self._classifier, len(array), address(array), address(probabilities))
        return probabilities, answers

    def probabilities(self, features: Any) -> np.ndarray:
        """float64 [rows, classes], calibrated, of features [rows, width]."""
        return self._run_head(features)[0]

    def predict_features(self, features: Any) -> list[Answer]:
        """The answers for features [rows, width]."""
        classes, groups = self._info["classes"], self._info["groups"]
        return [Answer(classes[best], probability, level, groups[group] if group >= 0 else None, coarse, known)
                for best, level, group, probability, coarse, known in self._run_head(features)[1]]

    def predict(self, photos: Iterable[Any], *, errors: str = "raise", threads: int | None = None) -> list[Answer]:
        """The answers for photos (paths or bytes). With errors="return" a photo that fails is an Answer with its `error`."""
        if errors == "raise":
            return self.predict_features(self.features(photos, threads=threads))
        features, reasons = self.features(photos, errors=errors, threads=threads)
        good = [i for i, reason in enumerate(reasons) if reason is None]
        answers = [Answer(None, None, None, None, None, None, reason) for reason in reasons]
        if good:
            for i, answer in zip(good, self.predict_features(features[good])):
                answers[i] = answer
        return answers

    def __repr__(self) -> str:
        return f"<pomona.Classifier {self._info['name']} {self._info['kind']} of {len(self._info['classes'])} classes>"


def train(features: Any, labels: Any, out: str | os.PathLike, *, model: Model, backbone: str | os.PathLike | None = None,
          paths: Any = None, head: str = "logistic", folds: int = 0, group: str | None = None,
          hierarchy: str | os.PathLike | None = None, on: str = "features", seed: int = 0, regularisation: float = 0,
          class_weights: bool = True, false_reject: float = 0, head_only: bool = False, overwrite: bool = False,
          threads: int = 0) -> Classifier:
    """Learns a classifier from features [rows, width] and labels, writes it to `out` and opens it.

    model           the Model that made the features: its network becomes the classifier's backbone
    backbone        its file, where `model` was made from bytes that are not to be written again
    paths           names of the rows, for `group` and messages
    head            "logistic", "ridge", "lda", "knn", "prototype" or "auto" (the best of these on held-out rows)
    folds           2..100 for choosing and calibrating; 0: 5
    group           regular expression on paths: photos with equal text are never parted by the folds
    hierarchy       CSV of classes and coarse classes
    on              "features" or "pca:K"
    regularisation  fixed instead of the grid; 0: the grid
    false_reject    share of known photos that may be rejected; negative: no rejection; 0 stands for 0.05

    Rows without a label are left out. What was found is in `.training`. The same fit as `pomona train`; what comes from
    LAPACK is NumPy's here.
    """
    array = rows_of(features, model.width)
    names = labels_of(labels, len(array))
    if names is None:
        raise ValueError("labels: they are needed to train")
    rows = labels_of(paths, len(array)) or [f"row {i}" for i in range(len(array))]
    info = model.info
    properties = [x for key in ("feature_space", "layer", "profile", "precision") for x in (f"pomona.{key}", info[key])]
    properties += ["pomona.model_hash", info["hash"], "pomona.model", info["name"]]
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pomona-train-") as folder:
        table = os.path.join(folder, "features.parquet")
        _core.write_features(table, model.width, address(array), rows, names, properties, False)
        if backbone is None and model._data is not None:
            backbone = os.path.join(folder, "backbone.onnx")
            with open(backbone, "wb") as file:
                file.write(model._data)
        with one_blas_thread():
            found = _core.train(model._context, table, None if backbone is None else os.fspath(backbone), os.fspath(out), head,
                                None, folds, group, None if hierarchy is None else os.fspath(hierarchy), on, seed,
                                regularisation, class_weights, false_reject, head_only, overwrite, threads)
    if head_only:
        source = None if model._data is None else model._data
        made = Classifier(source, head=out, precision=info["precision"])
    else:
        made = Classifier(out)
    made.training = found
    return made
