"""A plausible comparison of models as records for comparison_tool. The same arguments give the same records."""
import random

from judged import numbers, wilson
from records import Records

MODELS = [("embedded", "logistic", 44, 2.6), ("mobilenet-v1-0.25.onnx", "logistic", 41, 1.9), ("mobilenet-v2-1.0.onnx", "logistic", 301, 14.0),
          ("mobilenet-v3-small.onnx", "lda", 57, 10.2), ("efficientnet-lite0.onnx", "logistic", 390, 18.6),
          ("squeezenet-1.1.onnx", "knn", 350, 5.0), ("resnet-50-with-a-rather-long-name-of-its-own.onnx", "logistic", 4100, 102.5)]


def comparison(language, models=None, sizes=(160, 224), precisions=("fp32", "int8"), budget=20.0, seed=3, energy="cpu"):
    chance = random.Random(seed)
    records = Records(language=language, source="file:/data/fruits", photos=2000, version="0.1.0", tier="avx2", energy=energy)
    records.add("budget", numbers(budget, 0, 64e6, 0, 0))
    records.add("advice", "Take mobilenet-v3-small.onnx at 224 x 224: it is the most accurate of those within 20 ms and 64 MB.")
    records.add("failure", "broken.onnx", "its graph has a cycle").add("failure", "huge.onnx", "killed: out of memory")
    rows = []
    for name, kind, macs, megabytes in models or MODELS:
        for size in sizes:
            for precision in precisions:
                cost = macs * (size / 224) ** 2 * (0.55 if precision == "int8" else 1)
                ms = 1.2 + cost / 12 + chance.random()
                right = int(2000 * min(0.95, 0.52 + 0.105 * (cost ** 0.5) ** 0.45 + chance.uniform(-0.03, 0.03)))
                memory = 18e6 + 3.2e6 * megabytes * (0.4 if precision == "int8" else 1) + 40 * size * size
                rows.append((name, precision, kind, size, right, ms, memory, megabytes * 1e6 * (0.27 if precision == "int8" else 1)))
    fitting = [row for row in rows if not budget or (row[5] <= budget and row[6] <= 64e6)]
    best = max(fitting, key=lambda row: row[4]) if fitting else None
    for row in rows:
        name, precision, kind, size, right, ms, memory, file = row
        coarse = right + (2000 - right) // 2
        records.add("row", name, precision, kind)
        records.add("figures", numbers(*wilson(right, 2000), *wilson(coarse, 2000), ms, ms * 1.4, 1500 / ms, 30 + file / 1e6, memory,
                                       file, ms * 0.011, row is best, bool(budget) and ms > budget, bool(budget) and memory > 64e6, size, 0))
    return records
