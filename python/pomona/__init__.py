"""Photos to features, principal components and classifiers, by the same C core as the command line and the phone.

    import pomona

    model = pomona.Model()                        # the network inside the package; or Model("my.onnx")
    x = model.features(["a.jpg", "b.jpg"])        # float32 [photos, model.width]; paths or bytes
    m = pomona.Moments.of(x, model=model)         # exact sums: mergeable, subtractable, to the bit
    pca = m.pca(k=50)                             # or pomona.pca(x, k=50)
    scores = pca.transform(x)                     # float64 [photos, 50]
    clf = pomona.train(x, labels, "fruit.onnx", model=model)
    clf.predict(["c.jpg"])                        # [Answer(label='apple', probability=0.97, ...)]
    reader = pomona.Reader()                      # photos in buckets, many requests at a time
    for path, data, error in reader.read(reader.list("s3://photos/")): ...

On a cluster: pomona.spark. Everything that takes time releases the GIL; objects may be shared by threads, and pickled (which is
how Spark ships them). What fails raises a subclass of PomonaError, which is also a ValueError or an OSError; a
file of a model that can't be opened raises Python's own OSError.
"""
from ._classifier import Answer, Classifier, train
from ._core import InputError, InterruptedError, PomonaError, StorageError, UsageError
from ._core import version as __version__
from ._model import FeatureBatch, Model, cpu_threads, sample
from ._moments import PCA, Moments, pca
from ._reader import Photo, Reader

__all__ = ["Answer", "Classifier", "FeatureBatch", "InputError", "InterruptedError", "Model", "Moments", "PCA", "Photo", "PomonaError",
           "Reader", "StorageError", "UsageError", "__version__", "cpu_threads", "pca", "sample", "train"]
