"""A Pipeline of pomona's stages, fitted, saved, loaded and used; for test_spark_cluster.py. usage: pipeline_job.py SOURCE OUT"""
import json
import sys

from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import SparkSession

from pomona.spark.ml import PhotoFeatures, PomonaClassifier, PomonaPCA

source, out = sys.argv[1:]
spark = SparkSession.builder.appName("pipeline_job").getOrCreate()
photos = spark.read.format("binaryFile").option("pathGlobFilter", "*.jpg").option("recursiveFileLookup", "true").load(source)
stages = [PhotoFeatures(), PomonaPCA(k=6, vector="vector"), PomonaClassifier(head="prototype", folds=3)]
fitted = Pipeline(stages=stages).fit(photos)
fitted.write().overwrite().save(f"{out}/pipeline")


def told(model):
    return sorted((row.path, row.label, row.prediction, row.pca.toArray().tolist())
                  for row in model.transform(photos).select("path", "label", "prediction", "pca").collect())


rows, again = told(fitted), told(PipelineModel.load(f"{out}/pipeline"))
print(json.dumps({"rows": len(rows), "same": rows == again, "right": sum(label == answer for _, label, answer, _ in rows),
                  "widths": sorted({len(scores) for *_, scores in rows})}))
spark.stop()
