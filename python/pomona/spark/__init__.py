"""pomona inside Apache Spark: photos to features, components and classes, in the executors.

    import pomona.spark as ps

    photos   = ps.read(spark, "s3://photos/")                        # pomona's reader; or Spark's own, of s3a://, hdfs://, dbfs:/:
    photos   = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load("s3a://photos/")
    features = ps.features(photos, model="s3a://models/m.onnx")      # path, label, features, error; computed once, kept
    ps.write(features, "s3a://results/", partitions=20)              # Results/ and Errors/
    m = ps.moments(features); pca = m.pca(k=50); scores = ps.transform(features, pca)
    clf = ps.train(features); answers = ps.predict(photos, clf)

The executors need the wheel, NumPy and pyarrow; no TensorFlow. The driver reads the model once and Spark ships it. Results are those
of one machine: int8 features and moments to the bit, whatever the partitioning, retries or speculation. A photo that fails is a row
with its error. As pyspark.ml stages: pomona.spark.ml. As a batch job: python/jobs/run.py.
"""
from ._features import features
from ._fit import moments, predict, train, transform
from ._read import read
from ._write import Written, write

__all__ = ["Written", "features", "moments", "predict", "read", "train", "transform", "write"]
