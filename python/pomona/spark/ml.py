"""pomona as stages of a pyspark.ml Pipeline.

    from pyspark.ml import Pipeline, PipelineModel
    from pomona.spark.ml import PhotoFeatures, PomonaClassifier, PomonaPCA

    photos = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load("s3a://photos/")
    fitted = Pipeline(stages=[PhotoFeatures(), PomonaPCA(k=50, vector="vector"), PomonaClassifier(head="lda")]).fit(photos)
    fitted.write().overwrite().save("s3a://models/fruit")
    answers = PipelineModel.load("s3a://models/fruit").transform(photos)
    fitted.stages[0].unpersist()                  # the features that fit() kept

PhotoFeatures makes the columns path, label, features and error of path and content; the other stages read the column features
and keep all columns. Rows without features get nulls, and are not fitted. The classifier learns from the features, not from the
components (on="pca:50" learns in components of its own), and answers without running the network again. Each param has
an accessor pair (getK, setK). Results are those of pomona.spark.moments, transform and train.

To search through params (CrossValidator), make the features once, outside, and search a Pipeline of the other stages.
"""
from __future__ import annotations

from typing import Any, Iterator

import pyarrow as pa
from pyspark import keyword_only
from pyspark.ml import Estimator, Model, Transformer
from pyspark.ml.functions import array_to_vector
from pyspark.ml.linalg import DenseVector
from pyspark.ml.param import TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql.functions import col, when
from pyspark.sql.types import BooleanType, DoubleType, StringType, StructField, StructType

from pomona import PCA, Classifier, InputError

from ._features import BATCH_BYTES, features
from ._fit import COLLECT_BYTES, FEATURES, answer_columns, moments, train, transform
from ._frames import need_columns, provenance
from ._shipped import Shipped
from ._stages import BytesModel, Stage, one_of, param

__all__ = ["PhotoFeatures", "PomonaClassifier", "PomonaClassifierModel", "PomonaPCA", "PomonaPCAModel"]

_text, _whole, _real, _yes_no = (TypeConverters.toString, TypeConverters.toInt, TypeConverters.toFloat, TypeConverters.toBoolean)


class PhotoFeatures(Stage, Transformer, DefaultParamsReadable, DefaultParamsWritable):
    """Photos (path, content, perhaps label) to (path, label, features, error), as pomona.spark.features makes them.

    model, layer, profile, views, decode, size, precision, partitions, batchBytes   see pomona.spark.features; "" and 0 stand for
    its defaults. A model is named by path or URI, which is what a saved pipeline holds: the file has to be there when it is used.

    keep   default True: each estimator behind this stage, and each action on what it made, reads the features again, and without
           keeping them that means the network. unpersist() of this stage lets go of all that it has made, and so do its copies, those
           in a fitted Pipeline among them. False for a fitted pipeline whose answers are read once:
           fitted.transform(photos, {fitted.stages[0].keep: False})
    """

    model = param("model", "path or URI of an ONNX file; empty: the network inside the package", _text)
    layer = param("layer", "node whose value is the feature vector; empty: what the file says", _text)
    profile = param("profile", "how a photo becomes pixels: spark-compat or phone; empty: what the file says", _text)
    views = param("views", "flip, scales, crops or a list, whose mean the features are; empty: one view", _text)
    decode = param("decode", "exact or scaled; empty: exact", _text)
    size = param("size", "pixels of a square input other than the network's own; 0: its own", _whole)
    precision = param("precision", "auto, fp32 or int8; empty: auto", _text)
    partitions = param("partitions", "tasks that run the network; 0: about eight a core", _whole)
    batchBytes = param("batchBytes", "about so many bytes of photos go to Python at a time", _whole)
    keep = param("keep", "persist the features, for the stages that follow", _yes_no)
    _defaults = dict(model="", layer="", profile="", views="", decode="", size=0, precision="", partitions=0,
                     batchBytes=BATCH_BYTES, keep=True)

    @keyword_only
    def __init__(self, *, model: str = "", layer: str = "", profile: str = "", views: str = "", decode: str = "", size: int = 0,
                 precision: str = "", partitions: int = 0, batchBytes: int = BATCH_BYTES, keep: bool = True):
        super().__init__()
        self._kept: list[DataFrame] = []  # one list for all copies: a Pipeline fitted with other params copies its stages
        self.setParams(**self._input_kwargs)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        made = features(dataset, self.getModel() or None, layer=self.getLayer() or None, profile=self.getProfile() or None,
                        views=self.getViews() or None, decode=self.getDecode() or None, size=self.getSize(),
                        precision=self.getPrecision() or None, partitions=self.getPartitions() or None,
                        batch_bytes=self.getBatchBytes(), keep=self.getKeep())
        if self.getKeep():
            self._kept.append(made)
        return made

    def unpersist(self) -> None:
        """Lets go of the features that this stage and its copies kept. What still uses them computes them again."""
        while self._kept:
            self._kept.pop().unpersist()


class _PCAParams(Stage):
    k = param("k", "components, 1..rank; 0: 50, or as many as there are", _whole)
    variance = param("variance", "instead of k: the fewest components that explain this share, in (0, 1]; 0: k decides", _real)
    maxK = param("maxK", "with variance: more components are an error; 0: any number", _whole)
    standardise = param("standardise", "divide features by their standard deviation", _yes_no)
    outputCol = param("outputCol", "column of the scores", _text)
    scores = param("scores", "centred, or spark: as Spark's PCAModel, which does not subtract the mean", one_of("scores", "centred", "spark"))
    vector = param("vector", "type of the scores: array (of double) or vector (of Spark ML)", one_of("vector", "array", "vector"))
    _defaults = dict(k=0, variance=0.0, maxK=0, standardise=True, outputCol="pca", scores="centred", vector="array")


class PomonaPCA(_PCAParams, Estimator, DefaultParamsReadable, DefaultParamsWritable):
    """Principal components of the column features: exact moments, equal for any partitioning.

    k, variance, maxK, standardise   see pomona.Moments.pca
    outputCol, scores                see pomona.spark.transform
    vector                           "array" (array<double>), or "vector": what the estimators of Spark ML take
    """

    @keyword_only
    def __init__(self, *, k: int = 0, variance: float = 0, maxK: int = 0, standardise: bool = True, outputCol: str = "pca",
                 scores: str = "centred", vector: str = "array"):
        super().__init__()
        self.setParams(**self._input_kwargs)

    def _fit(self, dataset: DataFrame) -> "PomonaPCAModel":
        fitted = moments(dataset).pca(self.getK(), variance=self.getVariance(), max_k=self.getMaxK(),
                                      standardise=self.getStandardise())
        return self._copyValues(PomonaPCAModel(fitted)._resetUid(self.uid))


class PomonaPCAModel(_PCAParams, Model, BytesModel):
    """Adds the column outputCol, the scores of the column features; null where features are.

    pca   a pomona.PCA: also one of Moments.pca or of a pca.model file
    """

    def __init__(self, pca: PCA):
        super().__init__()
        self._pca = pca

    @property
    def pca(self) -> PCA:
        return self._pca

    @property
    def explainedVariance(self) -> DenseVector:
        """Share of the variance that each component explains."""
        return DenseVector(self._pca.explained_variance_ratio)

    def _to_bytes(self) -> bytes:
        return self._pca.to_bytes()

    @classmethod
    def _with_bytes(cls, data: bytes, where: str) -> "PomonaPCAModel":
        return cls(PCA.from_bytes(data, where))

    def _transform(self, dataset: DataFrame) -> DataFrame:
        output = self.getOutputCol()
        if output == "features":
            raise ValueError("outputCol: 'features' is the column that the scores are made of")
        made = transform(dataset, self._pca, output=output, scores=self.getScores())
        if self.getVector() == "vector":
            made = made.withColumn(output, when(col(output).isNotNull(), array_to_vector(col(output))))
        return made


class _AnswerParams(Stage):
    predictionCol = param("predictionCol", "column of the most probable class, a string", _text)
    probabilityCol = param("probabilityCol", "column of that class's calibrated probability, a double", _text)
    _defaults = dict(predictionCol="prediction", probabilityCol="probability")


class PomonaClassifier(_AnswerParams, Estimator, DefaultParamsReadable, DefaultParamsWritable):
    """Learns a classifier from the columns path, label and features, as pomona.spark.train does.

    model           path or URI of what made the features, where the table does not say it
    head            "logistic", "ridge", "lda", "knn", "prototype", "auto"
    regularisation  fixed instead of chosen on held-out photos; 0: chosen
    folds, group, hierarchy, on, seed, classWeights, falseReject   see pomona.train. A hierarchy is a file of the driver's machine
    maxBytes        labelled features that the driver takes
    """

    model = param("model", "path or URI of the model that made the features; empty: what the table says", _text)
    head = param("head", "logistic, ridge, lda, knn, prototype or auto", _text)
    regularisation = param("regularisation", "fixed instead of chosen on held-out photos; 0: chosen", _real)
    folds = param("folds", "2..100, for choosing and calibrating; 0: 5", _whole)
    group = param("group", "regular expression on paths: photos with equal text are never parted by the folds", _text)
    hierarchy = param("hierarchy", "CSV file of classes and coarse classes, on the driver's machine", _text)
    on = param("on", "features, or pca:K", _text)
    seed = param("seed", "of the folds", _whole)
    classWeights = param("classWeights", "every class counts the same", _yes_no)
    falseReject = param("falseReject", "share of known photos that may be rejected; negative: no rejection; 0: 0.05", _real)
    maxBytes = param("maxBytes", "labelled features that the driver takes", _whole)
    _defaults = dict(_AnswerParams._defaults, model="", head="logistic", regularisation=0.0, folds=0, group="", hierarchy="",
                     on="features", seed=0, classWeights=True, falseReject=0.0, maxBytes=COLLECT_BYTES)

    @keyword_only
    def __init__(self, *, model: str = "", head: str = "logistic", regularisation: float = 0, folds: int = 0, group: str = "",
                 hierarchy: str = "", on: str = "features", seed: int = 0, classWeights: bool = True, falseReject: float = 0,
                 maxBytes: int = COLLECT_BYTES, predictionCol: str = "prediction", probabilityCol: str = "probability"):
        super().__init__()
        self.setParams(**self._input_kwargs)

    def _fit(self, dataset: DataFrame) -> "PomonaClassifierModel":
        options = {"folds": self.getFolds(), "group": self.getGroup() or None, "hierarchy": self.getHierarchy() or None,
                   "on": self.getOn(), "seed": self.getSeed(), "class_weights": self.getClassWeights(),
                   "false_reject": self.getFalseReject()}
        unset = {"folds": 0, "group": None, "hierarchy": None, "on": "features", "seed": 0, "class_weights": True,
                 "false_reject": 0.0}  # left away: train() refuses those that do not go with moments
        options = {name: value for name, value in options.items() if value != unset[name]}
        made = train(dataset, model=self.getModel() or None, head=self.getHead(), regularisation=self.getRegularisation(),
                     max_bytes=self.getMaxBytes(), **options)
        return self._copyValues(PomonaClassifierModel(made)._resetUid(self.uid))


def _answers(batches: Iterator[pa.RecordBatch], shipped: Shipped, names: list[str]) -> Iterator[pa.RecordBatch]:
    classifier = shipped.open()
    for batch in batches:
        lists = batch.column(batch.schema.get_field_index("features"))
        found = iter(classifier.predict_features(lists.drop_null()))
        answers = [next(found) if there else None for there in lists.is_valid().to_pylist()]
        yield pa.RecordBatch.from_arrays([*batch.columns, *answer_columns(answers, bool(classifier.groups))],
                                         [*batch.schema.names, *names])


class PomonaClassifierModel(_AnswerParams, Model, BytesModel):
    """Adds the answers for the column features: prediction (string), probability, coarse, coarse_probability, level, rejected, known,
    as pomona.Answer has them; null where features are. Columns of these names are replaced.

    classifier   a pomona.Classifier: also one of pomona.train, or of a file
    """

    def __init__(self, classifier: Classifier):
        super().__init__()
        self._classifier = classifier

    @property
    def classifier(self) -> Classifier:
        return self._classifier

    @property
    def classes(self) -> list[str]:
        return self._classifier.classes

    @property
    def training(self) -> dict[str, Any] | None:
        """What train() found; None once saved and loaded."""
        return self._classifier.training

    def _to_bytes(self) -> bytes:
        if self._classifier._options.get("head") is not None:
            raise ValueError("a classifier opened with head=... is two files: `pomona model join` makes one of them, which can be saved")
        return self._classifier.to_bytes()

    @classmethod
    def _with_bytes(cls, data: bytes, where: str) -> "PomonaClassifierModel":
        return cls(Classifier(data or None))  # no bytes: the one inside the package

    def _transform(self, dataset: DataFrame) -> DataFrame:
        need_columns(dataset, FEATURES, "features")
        space, own = provenance(dataset).get("feature_space", ""), self._classifier.feature_space
        if space and space != own:
            raise InputError(f"the classifier was trained on features of another model (feature space {own[:16]}) than these "
                             f"({space[:16]})")
        added = [StructField(self.getPredictionCol(), StringType()), StructField(self.getProbabilityCol(), DoubleType()),
                 StructField("coarse", StringType()), StructField("coarse_probability", DoubleType()),
                 StructField("level", StringType()), StructField("rejected", BooleanType()), StructField("known", DoubleType())]
        names = [field.name for field in added]
        if "features" in names or len(set(names)) < len(names):
            raise ValueError(f"predictionCol, probabilityCol: the columns of the answers would be {', '.join(names)}; they must differ, "
                             "also from 'features'")
        rest = [name for name in dataset.columns if name not in names]
        schema = StructType([*dataset.select(*rest).schema.fields, *added])
        shipped = Shipped(dataset.sparkSession, self._classifier)
        return dataset.select(*rest).mapInArrow(lambda batches: _answers(batches, shipped, names), schema)
