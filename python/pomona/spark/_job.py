"""The batch job that EMR, EMR Serverless or any spark-submit runs: photos in, Results/, Errors/, components and run.json out."""
from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Sequence

from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, SparkSession

import pomona
from pomona import PCA, Moments

from ._features import Seconds, features
from ._fit import moments, transform
from ._frames import file_system, is_there, provenance, write_bytes
from ._write import write

USAGE, INPUT, ERROR_ROWS, STORAGE, INTERNAL = 1, 2, 3, 4, 5  # exit codes, those of the command line
OWNED = ("PCA_Results", "moments.pom", "pca.model", "PCA_results.csv", "PCA_variance.csv", "run.json")

HELP = """\
Photos (s3a://, hdfs://, file: or a folder of this machine) to DST/Results/, Errors/, moments.pom, PCA_Results/, PCA_results.csv,
PCA_variance.csv, pca.model and run.json, as `pomona run` makes them on one machine; without the report.

exit codes: 0 done; 1 bad usage; 2 bad input, nothing written; 3 done, with more failed photos than --max-errors; 4 storage; 5 internal

example: spark-submit run.py s3a://photos/train s3a://results/train --model s3a://models/m.onnx --variance 0.95
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        self.print_usage(sys.stderr)
        print(f"run.py: {message}", file=sys.stderr)
        raise SystemExit(USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="run.py", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SRC")
    parser.add_argument("out", metavar="DST")
    parser.add_argument("-m", "--model", metavar="URI", help="ONNX file; default: the network inside the package")
    parser.add_argument("--layer", metavar="NAME", help="node whose value is the feature vector")
    parser.add_argument("--profile", choices=["spark-compat", "phone"], help="for a model that carries none")
    parser.add_argument("--decode", choices=["exact", "scaled"])
    parser.add_argument("--precision", choices=["auto", "fp32", "int8"])
    parser.add_argument("--views", metavar="VIEWS", help="features are the mean over views: flip, scales, crops or a list")
    parser.add_argument("--size", type=int, default=0, metavar="PIXELS", help="side of the network's input")
    parser.add_argument("-p", "--partitions", type=int, default=20, metavar="N", help="Parquet parts; default 20")
    parser.add_argument("--tasks", type=int, metavar="N", help="tasks that run the network; default: about eight a core")
    parser.add_argument("--glob", default="*.jpg", metavar="PATTERN", help="file names to take; default '*.jpg'")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="only the first N photos by path")
    parser.add_argument("--compression", choices=["snappy", "zstd", "none"], default="snappy")
    parser.add_argument("--max-errors", type=int, default=0, metavar="N",
                        help="exit code 3 when more photos fail; default 0; -1: any number may")
    parser.add_argument("--overwrite", action="store_true", help="replace the results in DST")
    parser.add_argument("-k", "--k", type=int, default=0, metavar="K", help="components; default 50, or the rank")
    parser.add_argument("--variance", type=float, default=0, metavar="X", help="the fewest components that explain the share X")
    parser.add_argument("--no-standardise", action="store_true", help="only centre the features")
    parser.add_argument("--scores", choices=["centred", "spark"], default="centred")
    parser.add_argument("--vector", choices=["array", "spark"], default="array", help="column pca as array<double> or VectorUDT")
    parser.add_argument("--no-pca", action="store_true", help="features and moments only")
    parser.add_argument("--no-csv", action="store_true", help="no PCA_results.csv: with very many photos it is made by the driver alone")
    parser.add_argument("-q", "--quiet", action="store_true")
    return parser


def _photos(spark: SparkSession, options: argparse.Namespace) -> DataFrame:
    photos = (spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", options.glob)
              .load(options.source))
    if options.limit:
        first = photos.select("path").orderBy("path").limit(options.limit)
        photos = photos.join(first, "path", "left_semi")
    return photos


def _write_scores(scores: DataFrame, base: str, options: argparse.Namespace, rows: int) -> None:
    table = scores.select("path", "label", "pca")
    if options.vector == "spark":
        from pyspark.ml.functions import array_to_vector

        table = table.select("path", "label", array_to_vector("pca").alias("pca"))
    parts = max(1, min(options.partitions, rows))
    (table.repartitionByRange(parts, "path").sortWithinPartitions("path").write
     .mode("overwrite" if options.overwrite else "errorifexists").parquet(f"{base}/PCA_Results", compression=options.compression))


def _quoted(text: str | None) -> str:
    if text is None:
        return ""
    return '"' + text.replace('"', '""') + '"' if not text or any(c in text for c in ',"\r\n') else text


def _write_csv(spark: SparkSession, scores: DataFrame, pca: PCA, uri: str) -> None:
    """PCA_results.csv, 17 significant digits, row by row through the driver; whole or not there."""
    system, path = file_system(spark, uri)
    temporary = file_system(spark, uri + ".tmp")[1]
    stream = system.create(temporary, True)
    try:
        header = ",".join(["path", "label", *(f"pc{i + 1}" for i in range(pca.k))])
        lines = [header]
        for row in scores.select("path", "label", "pca").orderBy("path").toLocalIterator():
            lines.append(",".join([_quoted(row.path), _quoted(row.label), *(format(x, ".17g") for x in row.pca)]))
            if len(lines) >= 2000:
                stream.write(("\n".join(lines) + "\n").encode())
                lines = []
        stream.write(("\n".join(lines) + "\n").encode() if lines else b"")
    finally:
        stream.close()
    system.delete(path, False)
    system.rename(temporary, path)


def _variance_csv(pca: PCA) -> bytes:
    lines, total = ["component,eigenvalue,explained,cumulative"], 0.0
    for i, share in enumerate(pca.explained_variance_ratio):
        total += share
        lines.append(f"{i + 1},{pca.eigenvalues[i]:.17g},{share:.17g},{total:.17g}")
    return ("\n".join(lines) + "\n").encode()


def _run_json(spark: SparkSession, made_by: dict[str, Any], sums: Moments, pca: PCA | None, counts: dict[str, int],
              seconds: dict[str, float], spent: dict[str, float], failures: list[dict[str, str]]) -> bytes:
    context = spark.sparkContext
    photos_per_second = counts["photos"] / seconds["features"] if seconds["features"] > 0 else 0.0
    return json.dumps({
        "pomona": pomona.__version__, "spark": spark.version, "application": context.applicationId,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "counts": counts,
        "images_per_second": photos_per_second,
        "seconds": {**seconds, "summed_over_tasks": {key: spent[key] for key in ("decode", "resize", "net", "task")}},
        "attempted": {"photos": int(spent["photos"]), "errors": int(spent["errors"])},
        "precision": made_by.get("precision"), "feature_space": made_by.get("feature_space"),
        "model": {"name": made_by.get("model"), "hash": made_by.get("model_hash"), "layer": made_by.get("layer"),
                  "features": made_by.get("width")},
        "profile": {"text": made_by.get("profile")},
        "moments": {"rows": sums.rows, "labels": len(sums.labels)},
        "pca": None if pca is None else {"k": pca.k, "explained": float(pca.explained_variance_ratio.sum()), "hash": pca.hash},
        "first_failures": failures}, indent=2).encode() + b"\n"


def run(spark: SparkSession, options: argparse.Namespace) -> int:
    """The job on an open session; returns its exit code."""
    base, start, context = options.out.rstrip("/"), time.perf_counter(), spark.sparkContext
    if not options.overwrite:
        for name in ("Results", "Errors", *OWNED):
            if is_there(spark, f"{base}/{name}"):
                raise ValueError(f"{base}/{name}: exists already; --overwrite replaces it")
    spent = Seconds(context)
    photos = _photos(spark, options)
    table = features(photos, options.model, layer=options.layer, profile=options.profile, decode=options.decode,
                     precision=options.precision, views=options.views, size=options.size, partitions=options.tasks, seconds=spent)
    made_by = provenance(table)
    listed = time.perf_counter()
    context.setJobDescription("pomona: photos to features")
    total = table.count()
    if total == 0:
        raise pomona.InputError(f"{options.source}: no photo matches '{options.glob}'")
    featured = time.perf_counter()
    value = spent.value()
    note = (f"{total} photos, {int(value['errors'])} errors; decode {value['decode']:.1f} s, resize {value['resize']:.1f} s, "
            f"net {value['net']:.1f} s over all tasks")
    written = write(table, base, partitions=options.partitions, compression=options.compression, overwrite=options.overwrite)
    pca, sums = None, None

    def step(name: str) -> None:  # Python's accumulators have no column in Spark's pages; its jobs have a description
        context.setJobDescription(f"pomona: {name}; so far {note}")

    if written.rows:
        step("moments")
        sums = moments(table)
        write_bytes(spark, f"{base}/moments.pom", sums.to_bytes())
        if not options.no_pca:
            pca = sums.pca(options.k, variance=options.variance, standardise=not options.no_standardise)
            scores = transform(table.where("features is not null").select("path", "label", "features"), pca, scores=options.scores)
            step("writing PCA_Results")
            _write_scores(scores, base, options, written.rows)
            if not options.no_csv:
                step("writing PCA_results.csv")
                _write_csv(spark, scores, pca, f"{base}/PCA_results.csv")
            write_bytes(spark, f"{base}/PCA_variance.csv", _variance_csv(pca))
            write_bytes(spark, f"{base}/pca.model", pca.to_bytes())
    step("the first failures")
    failures = [{"path": row.path, "reason": row.error}
                for row in table.where("error is not null").select("path", "error").orderBy("path").take(16)]
    end = time.perf_counter()
    seconds = {"total": end - start, "list": listed - start, "features": featured - listed, "write_and_fit": end - featured}
    counts = {"photos": total, "rows": written.rows, "errors": written.errors}
    write_bytes(spark, f"{base}/run.json", _run_json(spark, made_by, sums or Moments(made_by["width"]), pca, counts, seconds,
                                                    spent.value(), failures))
    table.unpersist()
    if not options.quiet:
        print(f"pomona: {note}")
        print(f"{written.rows} rows in {base}/Results, {written.errors} in {base}/Errors, {end - start:.1f} s")
    too_many = options.max_errors >= 0 and written.errors > options.max_errors
    if too_many:
        print(f"run.py: {written.errors} photos failed, {failures[0]['path']}: {failures[0]['reason']}", file=sys.stderr)
    return ERROR_ROWS if too_many else 0


def main(arguments: Sequence[str]) -> int:
    """What run.py does: parse, run, and turn failures into exit codes."""
    options = _parser().parse_args(arguments)
    spark = SparkSession.builder.appName("pomona").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    try:
        return run(spark, options)
    except pomona.StorageError as failure:
        code, text = STORAGE, str(failure)
    except pomona.UsageError as failure:
        code, text = USAGE, str(failure)
    except pomona.InputError as failure:
        code, text = INPUT, str(failure)
    except ValueError as failure:
        code, text = USAGE, str(failure)
    except Py4JError as failure:
        code, text = STORAGE, str(failure).split("\n")[0]
    except Exception as failure:  # an AnalysisException: a path that is not there, a bucket that refuses
        missing = "PATH_NOT_FOUND" in str(failure) or "Path does not exist" in str(failure)
        code, text = (INPUT if missing else INTERNAL), f"{type(failure).__name__}: {str(failure).splitlines()[0]}"
    finally:
        spark.stop()
    print(f"run.py: {text}", file=sys.stderr)
    return code
