"""One thread, one network: milliseconds a photo of pomona, ONNX Runtime and OpenVINO, on one core, in turns.

usage: net.py [--model FILE.onnx] [--precision fp32|int8] [--rounds 20] [--batches 1 2 4 8 16] [--tier TIER] [--keep]

int8: pomona quantizes the model; OpenVINO runs what NNCF, its own tool, makes of it, and also pomona's file, ONNX Runtime pomona's
file and what its own tool makes. All are calibrated on the same photos.

Each engine first finds its best batch size; then the engines take turns, a round each, so that a slow minute of the machine
hits them all. Peers are given normalised floats; pomona also turns uint8 pixels into floats within its time.
"""
import argparse
import os
import subprocess
import sys
import time

import numpy as np

import common
import quantized


class Pomona:
    name = "pomona"

    def __init__(self, model, tier):
        program = os.environ.get("NET_BENCH", common.BUILD / "release/bench/net_bench")
        self.process = subprocess.Popen([program, model, *([tier] if tier else [])], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        if len(words) != 3:
            raise SystemExit("net_bench did not start")
        self.version = f"{words[2]} {words[1]}"

    def run(self, batch, runs):
        print(batch, runs, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


class Peer:
    """Times self.call(input), which subclasses provide."""

    def run(self, batch, runs):
        if batch not in self.inputs:
            self.prepare(batch)
        start = time.perf_counter()
        for _ in range(runs):
            self.call(batch)
        return time.perf_counter() - start


class OnnxRuntime(Peer):
    def __init__(self, model, shape, name="onnxruntime"):
        import onnxruntime
        self.name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.version, self.shape, self.inputs = onnxruntime.__version__, shape, {}

    def prepare(self, batch):
        self.inputs[batch] = noise(batch, self.shape)

    def call(self, batch):
        self.session.run(None, {self.input: self.inputs[batch]})


class OpenVino(Peer):
    def __init__(self, model, shape, name="openvino"):
        import openvino
        self.name = name
        self.core, self.model, self.shape = openvino.Core(), str(model), shape
        self.version, self.inputs, self.requests = openvino.__version__.split("-")[0], {}, {}

    def prepare(self, batch):
        model = self.core.read_model(self.model)
        model.reshape([batch, *self.shape])
        compiled = self.core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32"})
        self.requests[batch] = compiled.create_infer_request()
        self.inputs[batch] = noise(batch, self.shape)

    def call(self, batch):
        self.requests[batch].infer([self.inputs[batch]], share_inputs=True)


def noise(batch, shape):
    return np.random.default_rng(1).uniform(-1, 1, (batch, *shape)).astype(np.float32)


def input_shape(model):
    import onnxruntime
    return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).get_inputs()[0].shape[1:]


def best_batch(engine, batches, seconds):
    """The batch with the least time a photo; also how many runs of it fill `seconds`."""
    figures = []
    for batch in batches:
        engine.run(batch, 1)
        runs = max(1, int(seconds / engine.run(batch, 1)))
        figures.append((min(engine.run(batch, runs) for _ in range(3)) / runs / batch, batch))
    fastest, batch = min(figures)
    print(f"  {engine.name:24} " + "  ".join(f"{b}: {1e3 * t:.2f}" for t, b in sorted(figures, key=lambda f: f[1])))
    return batch, max(1, int(seconds / (fastest * batch)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=common.MODEL)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a round")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--precision", choices=["fp32", "int8"], default="fp32")
    parser.add_argument("--tier")
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/net.csv")
    options = parser.parse_args()
    if not os.path.exists(options.model):
        sys.exit(f"no model at {options.model}: give --model, or set POMONA_SHARED")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    shape = input_shape(options.model)
    if options.precision == "int8":
        ours = quantized.pomona(options.model)
        engines = [Pomona(ours, options.tier),
                   OpenVino(quantized.nncf(options.model), shape, "openvino nncf"),
                   OpenVino(ours, shape, "openvino pomona's file"),
                   OnnxRuntime(quantized.onnxruntime(options.model), shape, "onnxruntime its own file"),
                   OnnxRuntime(ours, shape, "onnxruntime pomona's file")]
    else:
        engines = [Pomona(options.model, options.tier), OnnxRuntime(options.model, shape),
                   OpenVino(options.model, shape)]
    print("ms a photo, by batch size")
    best = {engine: best_batch(engine, options.batches, options.seconds) for engine in engines}
    rows, times = [], {engine: [] for engine in engines}
    for number in range(options.rounds):
        for engine in engines:
            batch, runs = best[engine]
            seconds = engine.run(batch, runs)
            times[engine].append(1e3 * seconds / (runs * batch))
            rows.append({"model": os.path.basename(options.model), "precision": options.precision, "engine": engine.name, "version": engine.version,
                         "threads": 1, "batch": batch, "round": number, "photos": runs * batch,
                         "seconds": f"{seconds:.6f}", "ms_a_photo": f"{times[engine][-1]:.4f}"})
    print(f"\n{'engine':26} {'version':20} batch   median ms (middle 80 %)     against pomona")
    ours = common.spread(times[engines[0]])[0]
    for engine in engines:
        median, low, high = common.spread(times[engine])
        print(f"{engine.name:26} {engine.version:20} {best[engine][0]:5}   {median:7.3f} ({low:.3f} - {high:.3f})   "
              f"{median / ours:.2f}")
    if options.keep:
        common.append_rows("net", rows)


main()
