"""pomona.spark.ml on local[2]: a Pipeline fitted, saved and loaded gives the answers of pomona.spark; params; bad input. Runs with
--cluster."""
import shutil

import numpy as np
import pytest

pyspark = pytest.importorskip("pyspark", reason="no PySpark")
wheel = pytest.importorskip("pomona", reason="the wheel is not installed")
ps = pytest.importorskip("pomona.spark")
pytestmark = pytest.mark.cluster

from pomona.spark.ml import PhotoFeatures, PomonaClassifier, PomonaClassifierModel, PomonaPCA, PomonaPCAModel  # noqa: E402
from pyspark.ml import Pipeline, PipelineModel  # noqa: E402

ANSWERS = ["prediction", "probability", "coarse", "coarse_probability", "level", "rejected", "known"]


@pytest.fixture(scope="module")
def images(spark, photos, tmp_path_factory):
    """The photos, and one that is none."""
    folder = tmp_path_factory.mktemp("ml") / "photos"
    shutil.copytree(photos, folder)
    next(folder.iterdir()).joinpath("bad.jpg").write_bytes(b"no photo")
    return (spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.jpg")
            .load(str(folder)))


@pytest.fixture(scope="module")
def table(images):
    made = ps.features(images)
    yield made
    made.unpersist()


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(stages=[PhotoFeatures(), PomonaPCA(k=6, vector="vector"), PomonaClassifier(head="prototype", folds=3)])


@pytest.fixture(scope="module")
def fitted(pipeline, images):
    made = pipeline.fit(images)
    yield made
    made.stages[0].unpersist()


def by_path(frame):
    return {row.path: row for row in frame.collect()}


def persisted(spark):
    return spark._jsc.getPersistentRDDs().size()


def test_a_pipeline_gives_what_the_functions_give(images, table, fitted):
    _, pca, classifier = fitted.stages
    assert pca.pca.to_bytes() == ps.moments(table).pca(k=6).to_bytes()
    assert list(pca.explainedVariance) == list(pca.pca.explained_variance_ratio) and len(pca.explainedVariance) == 6
    expected = ps.train(table, head="prototype", folds=3)
    assert classifier.classifier.to_bytes() == expected.to_bytes()
    assert classifier.classes == expected.classes
    assert {**classifier.training, "seconds": 0} == {**expected.training, "seconds": 0}

    made = fitted.transform(images)
    assert made.columns == ["path", "label", "features", "error", "pca", *ANSWERS]
    assert dict(made.dtypes)["pca"] == "vector"
    rows, scores, answers = by_path(made), by_path(ps.transform(table, pca.pca)), by_path(ps.predict(images, expected))
    assert len(rows) == 121
    bad = [path for path in rows if path.endswith("/bad.jpg")]
    for path, row in rows.items():
        found = [row[name] for name in ANSWERS]
        assert found == [answers[path][{"prediction": "class"}.get(name, name)] for name in ANSWERS]
        if path in bad:
            assert row.pca is None and found == [None] * 7 and "not a JPEG" in row.error
        else:
            assert list(row.pca) == scores[path].pca and row.error is None
    assert len(bad) == 1


def test_saved_and_loaded(images, pipeline, fitted, tmp_path):
    expected = by_path(fitted.transform(images))
    where = f"file:{tmp_path}/fitted"
    fitted.save(where)
    again = PipelineModel.load(where)
    assert [type(stage) for stage in again.stages] == [PhotoFeatures, PomonaPCAModel, PomonaClassifierModel]
    assert [stage.uid for stage in again.stages] == [stage.uid for stage in fitted.stages]
    assert by_path(again.transform(images, {again.stages[0].keep: False})) == expected
    assert again.stages[1].pca.to_bytes() == fitted.stages[1].pca.to_bytes()
    with pytest.raises(Exception, match="already exists"):
        fitted.save(where)
    fitted.write().overwrite().save(where)
    assert PipelineModel.load(where).stages[2].classes == fitted.stages[2].classes

    pipeline.save(str(tmp_path / "unfitted"))  # and a pipeline that is not fitted yet
    stages = Pipeline.load(str(tmp_path / "unfitted")).getStages()
    assert (stages[1].getK(), stages[1].getVector(), stages[2].getHead(), stages[2].getFolds()) == (6, "vector", "prototype", 3)


def test_each_stage_saves_alone(spark, table, fitted, tmp_path, monkeypatch):
    from pomona.spark import _stages

    monkeypatch.setattr(_stages, "PART_BYTES", 1 << 18)  # a model of several rows
    fitted.stages[2].save(str(tmp_path / "c"))
    assert spark.read.parquet(str(tmp_path / "c/data")).count() > 1
    again = PomonaClassifierModel.load(str(tmp_path / "c"))
    assert again.classifier.to_bytes() == fitted.stages[2].classifier.to_bytes() and again.training is None
    PhotoFeatures(size=224, keep=False).save(str(tmp_path / "f"))
    stage = PhotoFeatures.load(str(tmp_path / "f"))
    assert (stage.getSize(), stage.getKeep(), stage.getModel()) == (224, False, "")
    with pytest.raises(wheel.InputError, match="holds a pomona.spark.ml.PomonaClassifierModel, not a pomona.spark.ml.PomonaPCAModel"):
        PomonaPCAModel.load(str(tmp_path / "c"))
    (spark.read.parquet(str(tmp_path / "c/data")).where("part != 1").coalesce(1).write.parquet(str(tmp_path / "less")))
    shutil.rmtree(tmp_path / "c/data")
    (tmp_path / "less").rename(tmp_path / "c/data")
    with pytest.raises(wheel.InputError, match="c/data: .* bytes that are not the .* that were saved"):
        PomonaClassifierModel.load(str(tmp_path / "c"))

    inside = PomonaClassifierModel(wheel.Classifier())  # the one of the package has no bytes of its own
    inside.save(str(tmp_path / "inside"))
    assert len(PomonaClassifierModel.load(str(tmp_path / "inside")).classes) == len(inside.classes) == 81


def test_models_made_elsewhere(table):
    pca = ps.moments(table).pca(k=2)
    rows = PomonaPCAModel(pca).setOutputCol("xy").transform(table.limit(5)).collect()
    assert all(len(row.xy) == 2 for row in rows if row.features is not None)
    made = PomonaClassifierModel(wheel.Classifier()).setPredictionCol("fruit").transform(table.limit(5))
    assert "fruit" in made.columns and "prediction" not in made.columns and made.count() == 5


def test_params(table):
    stage = PomonaPCA().setK(3).setOutputCol("scores")
    assert (stage.getK(), stage.getOutputCol(), stage.getVariance(), stage.getStandardise()) == (3, "scores", 0.0, True)
    assert stage.isSet(stage.k) and not stage.isSet(stage.variance) and "components" in stage.explainParam("k")
    other = stage.copy({stage.k: 5})
    assert (other.getK(), other.getOutputCol(), other.uid, stage.getK()) == (5, "scores", stage.uid, 3)
    given = PomonaPCA(k=None, variance=0.5).setParams(maxK=2, vector=None)  # None leaves a param as it is
    assert (given.isSet(given.k), given.isSet(given.vector), given.getVariance(), given.getMaxK()) == (False, False, 0.5, 2)
    models = dict(stage.fitMultiple(table, [{stage.k: 2}, {stage.k: 4}]))
    assert [models[i].pca.k for i in range(2)] == [2, 4] and models[0].getK() == 2
    model = stage.fit(table)
    assert model.uid == stage.uid and model.getOutputCol() == "scores" and model.pca.k == 3
    renamed = model.transform(table, {stage.outputCol: "renamed"})  # an estimator's params are its model's too
    assert "renamed" in renamed.columns and "scores" not in renamed.columns
    for wrong in (lambda: PomonaPCA(scores="best"), lambda: PomonaPCA(vector="list"), lambda: PomonaPCA().setVector("x")):
        with pytest.raises(ValueError, match=r"(scores: 'centred' or 'spark', not 'best'|vector: 'array' or 'vector', not)"):
            wrong()
    with pytest.raises(TypeError, match="k"):
        PomonaPCA(k="many")
    with pytest.raises(TypeError):
        PomonaPCA(components=3)
    with pytest.raises(TypeError, match="PomonaPCA: there is no param 'components'; it has: k, maxK"):
        PomonaPCA().setParams(components=3)
    with pytest.raises(wheel.UsageError):
        PomonaPCA(k=100000).fit(table)


def test_options_reach_the_fits(table, fitted):
    sums = ps.moments(table)
    assert PomonaPCA(variance=0.8, maxK=80).fit(table).pca.to_bytes() == sums.pca(variance=0.8).to_bytes()
    with pytest.raises(wheel.UsageError):
        PomonaPCA(variance=0.99, maxK=1).fit(table)
    centred = PomonaPCA(k=3, standardise=False, scores="spark").fit(table)
    assert centred.pca.to_bytes() == sums.pca(k=3, standardise=False).to_bytes()
    found, expected = by_path(centred.transform(table)), by_path(ps.transform(table, centred.pca, scores="spark"))
    assert all(found[path].pca == expected[path].pca for path in expected)
    options = dict(folds=3, seed=7, group="[^/]+$", on="pca:8")
    made = PomonaClassifier(head="ridge", classWeights=False, falseReject=0.2, **options).fit(table)
    expected = ps.train(table, head="ridge", class_weights=False, false_reject=0.2, **options)
    assert made.classifier.to_bytes() == expected.to_bytes() != fitted.stages[2].classifier.to_bytes()
    fast = PomonaClassifier(head="lda", regularisation=0.1).fit(table)  # of moments
    assert fast.classifier.to_bytes() == ps.train(table, head="lda", regularisation=0.1).to_bytes()
    with pytest.raises(ValueError, match="folds need rows"):
        PomonaClassifier(head="lda", regularisation=0.1, folds=3).fit(table)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        PomonaClassifier(maxBytes=10).fit(table)


def test_features_options(images, pomona, tmp_path):
    pomona("model", "export", "--backbone", "--out", tmp_path / "m.onnx")
    stage = PhotoFeatures(model=str(tmp_path / "m.onnx"), precision="fp32", views="flip", partitions=3, batchBytes=1 << 20, keep=False)
    made = stage.transform(images)
    expected = by_path(ps.features(images, str(tmp_path / "m.onnx"), precision="fp32", views="flip", keep=False))
    assert by_path(made) == expected and made.rdd.getNumPartitions() <= 3
    classifier = PomonaClassifier(head="lda", regularisation=0.1).fit(made)
    assert classifier.transform(made).where("prediction is not null").count() == 120


def test_kept_features_are_let_go(spark, images, pipeline):
    before = persisted(spark)
    photos = images.limit(40)
    stage = PhotoFeatures()
    fitted = Pipeline(stages=[stage, PomonaPCA(k=2)]).fit(photos, {stage.partitions: 2})  # a copy of the stage made them
    fitted.transform(photos).count()
    assert persisted(spark) == before + 2
    stage.unpersist()
    assert persisted(spark) == before
    fitted.transform(photos, {fitted.stages[0].keep: False}).count()
    assert persisted(spark) == before


def test_wrong_columns(images, table, fitted):
    _, pca, classifier = fitted.stages
    with pytest.raises(ValueError, match=r"photos: there is no column 'content' \(binary\); the table has: path"):
        PhotoFeatures().transform(images.drop("content"))
    for stage in (PomonaPCA().fit, pca.transform, PomonaClassifier().fit, classifier.transform):
        with pytest.raises(ValueError, match="features: there is no column 'features'"):
            stage(table.drop("features"))
        with pytest.raises(ValueError, match="column 'features' is string, it must be a list of floats"):
            stage(table.selectExpr("path", "label", "path as features"))
    with pytest.raises(ValueError, match="features: there is no column 'label'"):
        PomonaClassifier().fit(table.drop("label"))
    with pytest.raises(ValueError, match="outputCol: 'features' is the column"):
        pca.transform(table, {pca.outputCol: "features"})
    with pytest.raises(ValueError, match="they must differ"):
        classifier.transform(table, {classifier.predictionCol: "known"})
    narrow = table.where("error is null").selectExpr("path", "slice(features, 1, 3) as features")
    with pytest.raises(Exception, match=f"not all rows have {classifier.classifier.width} features"):
        PomonaClassifierModel(classifier.classifier).transform(narrow).collect()


def test_models_are_not_mixed(images, fitted):
    other = ps.features(images, precision="fp32", keep=False)
    with pytest.raises(wheel.InputError, match="the components were fitted to features of another model"):
        fitted.stages[1].transform(other)
    with pytest.raises(wheel.InputError, match="the classifier was trained on features of another model"):
        fitted.stages[2].transform(other)


def test_vectors_feed_spark_ml(table):
    """The scores are what Spark's own estimators take."""
    from pyspark.ml.clustering import KMeans

    scores = PomonaPCA(k=4, vector="vector").fit(table).transform(table).where("error is null")
    assert KMeans(featuresCol="pca", k=5, seed=1).fit(scores).transform(scores).count() == 120
    assert np.isfinite(np.array([row.pca.toArray() for row in scores.collect()])).all()


def test_columns_are_kept_and_replaced(table, fitted):
    from pyspark.sql.functions import lit

    classifier = fitted.stages[2]
    once = classifier.transform(table.withColumn("mine", lit(1)).withColumn("known", lit("old")))
    assert once.columns == ["path", "label", "features", "error", "mine", *ANSWERS] and dict(once.dtypes)["known"] == "double"
    twice = classifier.transform(once)
    assert twice.columns == once.columns and by_path(twice) == by_path(once)
