"""The reference notebook's work by pomona inside Spark: features, PCA, CSV, plot. usage: notebook_pomona.py PHOTOS OUT MODEL.onnx

One process, session and all, as reference_pipeline.py is.
"""
import os
import sys

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
from pyspark.sql import SparkSession

import pomona.spark as ps

photos, out, model = sys.argv[1:4]
spark = (SparkSession.builder.appName("pomona").master("local[2]").config("spark.sql.parquet.writeLegacyFormat", "true")
         .config("spark.driver.memory", "6g").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
images = (spark.read.format("binaryFile").option("pathGlobFilter", "*.jpg").option("recursiveFileLookup", "true").load(photos))
features = ps.features(images, model)
ps.write(features, out)
pca = ps.moments(features).pca(k=50)
scores = ps.transform(features.where("error is null").select("path", "label", "features"), pca)
scores.select("path", "label", "pca").write.parquet(os.path.join(out, "PCA_Results"))
with open(os.path.join(out, "PCA_results.csv"), "w") as file:
    file.write("component,explained_variance\n")
    file.writelines(f"{i + 1},{share!r}\n" for i, share in enumerate(pca.explained_variance_ratio.tolist()))
