"""The peer of the whole job: the same work in well-tuned Python (Pillow, ONNX Runtime or OpenVINO, pyarrow), processes side by side.

usage: python_pipeline.py PHOTOS OUT MODEL [--engine onnxruntime|openvino] [--processes 2] [--batch 16] [--partitions 20]
                          [--client boto3|s3fs] [--threads 16]

PHOTOS may be s3://bucket/prefix: then a client reads ahead on so many threads in each process.

Reads, decodes and resizes each photo as the reference does, runs the network in batches with one thread a process (two when there is one process), and
writes (path, label, features) as snappy Parquet parts.
"""
import argparse
import io
import itertools
import multiprocessing
import os
import pathlib


def onnxruntime_network(model, threads):
    import onnxruntime
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def openvino_network(model, threads):
    import openvino
    core, requests = openvino.Core(), {}

    def request(batch):
        network = core.read_model(model)
        network.reshape([batch, 224, 224, 3])
        return core.compile_model(network, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False}).create_infer_request()  # two processes would pin themselves to one core

    def run(x):
        if len(x) not in requests:
            requests[len(x)] = request(len(x))
        return requests[len(x)].infer([x], share_inputs=True)[0].reshape(len(x), -1).copy()
    return run


def boto3_client(options):
    import boto3
    from botocore.config import Config
    s3 = boto3.client("s3", config=Config(max_pool_connections=options.threads))
    split = lambda path: path.removeprefix("s3://").split("/", 1)

    def list_photos(root):
        bucket, prefix = split(root)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", [])
                if item["Key"].endswith(".jpg")]

    def read(path):
        bucket, key = split(path)
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return list_photos, read


def s3fs_client(options):
    import s3fs
    system = s3fs.S3FileSystem(default_block_size=1 << 20, config_kwargs={"max_pool_connections": options.threads})
    return (lambda root: sorted(f"s3://{path}" for path in system.find(root) if path.endswith(".jpg"))), system.cat_file


def contents(paths, options):
    """The bytes of each photo in turn, with `threads` reads under way; on disk the path itself."""
    import collections
    import concurrent.futures
    if not options.photos.startswith("s3://"):
        yield from paths
        return
    read = {"boto3": boto3_client, "s3fs": s3fs_client}[options.client](options)[1]
    with concurrent.futures.ThreadPoolExecutor(options.threads) as pool:
        ahead, rest = collections.deque(), iter(paths)
        for path in rest:
            ahead.append(pool.submit(read, path))
            if len(ahead) >= 2 * options.threads:
                yield io.BytesIO(ahead.popleft().result())
        while ahead:
            yield io.BytesIO(ahead.popleft().result())


def work(job):
    paths, parts, options = job
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image
    network = {"onnxruntime": onnxruntime_network, "openvino": openvino_network}[options.engine](
        options.model, max(1, 2 // options.processes))
    pixels = np.empty((options.batch, 224, 224, 3), np.float32)
    schema = pa.schema([("path", pa.string()), ("label", pa.string()), ("features", pa.list_(pa.float32()))])

    photos = contents([path for _, low, high in parts for path in paths[low:high]], options)

    def features(batch):
        for i, photo in enumerate(itertools.islice(photos, len(batch))):
            with Image.open(photo) as image:
                pixels[i] = np.asarray(image.convert("RGB").resize((224, 224)))
        x = pixels[:len(batch)]
        x *= np.float32(1 / 127.5)
        x -= np.float32(1)
        return network(x)

    for part, low, high in parts:
        rows = paths[low:high]
        values = [features(rows[i:i + options.batch]) for i in range(0, len(rows), options.batch)]
        flat = np.concatenate(values)
        lists = pa.ListArray.from_arrays(np.arange(0, flat.size + 1, flat.shape[1], dtype=np.int32), flat.ravel())
        table = pa.table([[p if p.startswith("s3://") else "file:" + p for p in rows], [os.path.basename(os.path.dirname(p)) for p in rows], lists],
                         schema=schema)
        pq.write_table(table, f"{options.out}/part-{part:05}.snappy.parquet", compression="snappy", use_dictionary=False)
    return sum(high - low for _, low, high in parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("photos")
    parser.add_argument("out")
    parser.add_argument("model")
    parser.add_argument("--engine", choices=["onnxruntime", "openvino"], default="onnxruntime")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--partitions", type=int, default=20)
    parser.add_argument("--client", choices=["boto3", "s3fs"], default="boto3")
    parser.add_argument("--threads", type=int, default=16, help="reads under way in each process, for s3://")
    options = parser.parse_args()
    if options.photos.startswith("s3://"):
        paths = {"boto3": boto3_client, "s3fs": s3fs_client}[options.client](options)[0](options.photos)
    else:
        paths = sorted(map(str, pathlib.Path(options.photos).resolve().rglob("*.jpg")))
    os.makedirs(options.out, exist_ok=True)
    borders = [len(paths) * i // options.partitions for i in range(options.partitions + 1)]
    parts = [(i, borders[i], borders[i + 1]) for i in range(options.partitions) if borders[i] < borders[i + 1]]
    jobs = [(paths, parts[i::options.processes], options) for i in range(options.processes)]
    with multiprocessing.get_context("spawn" if options.photos.startswith("s3://") else "fork").Pool(options.processes) as pool:
        print(sum(pool.map(work, jobs, chunksize=1)))


if __name__ == "__main__":
    main()
