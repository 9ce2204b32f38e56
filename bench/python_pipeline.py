"""The peer of the whole job: the same work in well-tuned Python (Pillow, ONNX Runtime or OpenVINO, pyarrow), processes side by side.

usage: python_pipeline.py PHOTOS OUT MODEL [--engine onnxruntime|openvino] [--processes 2] [--batch 16] [--partitions 20]

Reads, decodes and resizes each photo as the reference does, runs the network in batches with one thread a process, and
writes (path, label, features) as snappy Parquet parts.
"""
import argparse
import multiprocessing
import os
import pathlib


def onnxruntime_network(model):
    import onnxruntime
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def openvino_network(model):
    import openvino
    core, requests = openvino.Core(), {}

    def request(batch):
        network = core.read_model(model)
        network.reshape([batch, 224, 224, 3])
        return core.compile_model(network, "CPU", {
            "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False}).create_infer_request()  # two processes would pin themselves to one core

    def run(x):
        if len(x) not in requests:
            requests[len(x)] = request(len(x))
        return requests[len(x)].infer([x], share_inputs=True)[0].reshape(len(x), -1).copy()
    return run


def work(job):
    paths, parts, options = job
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image
    network = {"onnxruntime": onnxruntime_network, "openvino": openvino_network}[options.engine](options.model)
    pixels = np.empty((options.batch, 224, 224, 3), np.float32)
    schema = pa.schema([("path", pa.string()), ("label", pa.string()), ("features", pa.list_(pa.float32()))])

    def features(batch):
        for i, path in enumerate(batch):
            with Image.open(path) as image:
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
        table = pa.table([["file:" + p for p in rows], [os.path.basename(os.path.dirname(p)) for p in rows], lists],
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
    options = parser.parse_args()
    paths = sorted(map(str, pathlib.Path(options.photos).resolve().rglob("*.jpg")))
    os.makedirs(options.out, exist_ok=True)
    borders = [len(paths) * i // options.partitions for i in range(options.partitions + 1)]
    parts = [(i, borders[i], borders[i + 1]) for i in range(options.partitions) if borders[i] < borders[i + 1]]
    jobs = [(paths, parts[i::options.processes], options) for i in range(options.processes)]
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        print(sum(pool.map(work, jobs, chunksize=1)))


if __name__ == "__main__":
    main()
