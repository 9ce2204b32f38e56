"""pomona-s, the backbone that is compiled into pomona: trains it, exports it, measures it.

    train.py --data DIR --work DIR                      build the views, then train; run it again to go on after a cut
    train.py --data DIR --work DIR --export OUT.onnx    write the averaged weights of the last checkpoint
    train.py --data DIR --evaluate MODEL.onnx           logistic head on `val`, size, MACs; with --work also against PyTorch

A student (MobileNetV2-like, random start) learns from the teacher's features on views of the `train` photos: crops with
flips and colour changes, a third of them mixed from two photos. The teacher looks at each view once; the views and its
features stay in --work. Nothing is learnt from `val`: it is looked at for the log only, and the last weights are kept.
"""
import argparse
import csv
import hashlib
import json
import math
import multiprocessing
import os
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageEnhance, ImageOps
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

SEED = 4
SIZE = 160
FEATURES = 1024
CLASSES = 81
# expand, channels, blocks, stride. The first block halves without expanding: at full resolution a wide layer costs more
# time (in training and on a phone) than it gives. The parameters sit where the maps are small.
STAGES = ((1, 16, 1, 2), (3, 16, 2, 1), (4, 24, 3, 2), (6, 48, 5, 2), (6, 96, 4, 2))
STEM = 16

TEACHER_SIZE, TEACHER_FEATURES = 224, 1280
BATCH = 64
PEAK_RATE, WEIGHT_DECAY = 3e-3, 0.03
WARMUP_STEPS, DECAY_SHARE = 300, 0.45
EMA = 0.998
# (share of the run, pixels): small pictures first, they are cheaper and teach most of it.
RESOLUTIONS = ((0.45, 112), (0.80, 144), (1.0, SIZE))
TEMPERATURE = 2.0
HEAD_GRID = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
LOG_EVERY, SAVE_EVERY = 500, 50


# ------------------------------------------------------------------------------------------------ photos

def photos_of(data, split):
    """Paths and fine labels of a split of the grocery data set."""
    with open(data / "grocery" / f"{split}.txt", encoding="utf-8") as f:
        rows = [[cell.strip() for cell in line.split(",")] for line in f]
    return [data / "grocery" / row[0] for row in rows], np.array([int(row[1]) for row in rows])


def class_names(data):
    with open(data / "grocery" / "classes.csv", encoding="utf-8") as f:
        return [row[0] for row in list(csv.reader(f))[1:]]


def centre_square(image):
    side = min(image.size)
    x, y = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((x, y, x + side, y + side))


def load(path):
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def phone_profile(image, size):
    """The profile `phone`: upright, centre square, Pillow's bicubic; still uint8."""
    return np.asarray(centre_square(image).resize((size, size), Image.Resampling.BICUBIC))


def normalise(pixels):
    return pixels.astype(np.float32) / 127.5 - 1


# ------------------------------------------------------------------------------------------------ views

def random_view(image, rng):
    """A crop of 20-100 % of the photo, perhaps mirrored, in other light, as the teacher will see it."""
    area, ratio = rng.uniform(0.2, 1) * image.width * image.height, np.exp(rng.uniform(-0.25, 0.25))
    w, h = min(image.width, int((area * ratio) ** 0.5)), min(image.height, int((area / ratio) ** 0.5))
    x, y = rng.integers(image.width - w + 1), rng.integers(image.height - h + 1)
    view = image.resize((TEACHER_SIZE, TEACHER_SIZE), Image.Resampling.BICUBIC, (x, y, x + w, y + h))
    if rng.random() < 0.5:
        view = ImageOps.mirror(view)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        if rng.random() < 0.6:
            view = change(view).enhance(rng.uniform(0.65, 1.35))
    return np.asarray(view)


def mix(a, b, rng):
    """Two views in one: blended, or a rectangle of the second set into the first. Returns also the first one's share."""
    if rng.random() < 0.5:
        share = rng.uniform(0.5, 0.9)
        return np.rint(a * share + b * (1 - share)).astype(np.uint8), share
    h, w = (int(TEACHER_SIZE * rng.uniform(0.35, 0.75)) for _ in range(2))
    y, x = rng.integers(TEACHER_SIZE - h + 1), rng.integers(TEACHER_SIZE - w + 1)
    mixed = a.copy()
    mixed[y:y + h, x:x + w] = b[y:y + h, x:x + w]
    return mixed, 1 - h * w / TEACHER_SIZE ** 2


class Teacher:
    def __init__(self, data):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(data / "models" / "mobilenet_v2_1.0_224_features.onnx", options,
                                                    providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def features(self, views):
        return self.session.run(None, {self.input: normalise(views)})[0].reshape(len(views), TEACHER_FEATURES)


def make_round(number, images, labels, teacher):
    """One view of every photo. Round 0 is the plain `phone` view; a third of the later ones mix two photos."""
    rng = np.random.default_rng([SEED, number])
    n = len(images)
    pixels = np.empty((n, SIZE, SIZE, 3), np.uint8)
    features = np.empty((n, TEACHER_FEATURES), np.float16)
    second, share = labels.copy(), np.ones(n, np.float32)
    for start in range(0, n, 48):
        views = []
        for i in range(start, min(n, start + 48)):
            if number == 0:
                views.append(phone_profile(images[i], TEACHER_SIZE))
                pixels[i] = phone_profile(images[i], SIZE)
                continue
            view = random_view(images[i], rng)
            if rng.random() < 0.33:
                other = int(rng.integers(n))
                view, share[i] = mix(view, random_view(images[other], rng), rng)
                second[i] = labels[other]
            views.append(view)
            pixels[i] = np.asarray(Image.fromarray(view).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
        features[start:start + len(views)] = teacher.features(np.stack(views))
    return pixels, features, second, share


def round_file(work, number, part):
    return work / f"round{number:02d}.{part}.npy"


def cut_safe(path, write):
    """Write beside the file, then rename: a run that is cut leaves no half file."""
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as f:
        write(f)
    os.replace(beside, path)


def build_rounds(job):
    data, work, numbers = job
    paths, labels = photos_of(data, "train")
    images, teacher = [load(p) for p in paths], Teacher(data)
    for number in numbers:
        start, made = time.time(), make_round(number, images, labels, teacher)
        for part, array in zip(("features", "second", "share", "pixels"), (made[1], made[2], made[3], made[0])):
            cut_safe(round_file(work, number, part), lambda f, array=array: np.save(f, array))
        print(f"views: round {number} in {time.time() - start:.0f} s", flush=True)


def ensure_views(data, work, rounds):
    missing = [r for r in range(rounds) if not round_file(work, r, "pixels").exists()]
    if missing:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            pool.map(build_rounds, [(data, work, missing[0::2]), (data, work, missing[1::2])], chunksize=1)


class Views:
    """All rounds as one list. Pixels stay on disk; the teacher's features are standardised in memory."""
    def __init__(self, data, work, rounds):
        _, self.labels = photos_of(data, "train")

        def read(part, mode=None):
            return [np.load(round_file(work, r, part), mmap_mode=mode) for r in range(rounds)]

        self.pixels = read("pixels", "r")
        self.second, self.share = np.concatenate(read("second")), np.concatenate(read("share"))
        features = np.concatenate(read("features")).astype(np.float32)
        self.targets = (features - features.mean(0)) / (features.std(0) + 1e-3)
        self.first = np.tile(self.labels, rounds)
        self.soft = self.teacher_logits()

    def __len__(self):
        return len(self.first)

    def teacher_logits(self):
        """What a logistic head on the teacher says of each view: which mistakes are small ones."""
        n = 2 * len(self.labels)
        pure = np.flatnonzero(self.share[:n] == 1)
        head = LogisticRegression(C=0.003, max_iter=300).fit(self.targets[pure], self.first[pure])
        return head.decision_function(self.targets).astype(np.float32)

    def batch(self, indices, rng, size):
        n = len(self.labels)
        pixels = np.stack([self.pixels[i // n][i % n] for i in indices])
        mirrored = rng.random(len(indices)) < 0.5
        pixels[mirrored] = pixels[mirrored, :, ::-1]
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        if size != SIZE:
            x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
        x = (x.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        rest = (self.targets, self.soft, self.first, self.second, self.share)
        return (x, *(torch.from_numpy(array[indices]) for array in rest))


# ------------------------------------------------------------------------------------------------ student

class Block(nn.Module):
    """Inverted residual with linear bottleneck (Sandler et al., 2018)."""
    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        mid, layers = cin * expand, []
        if expand > 1:
            layers += [nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.ReLU6()]
        layers += [nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.ReLU6(),
                   nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout)]
        self.body, self.add = nn.Sequential(*layers), stride == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.add else self.body(x)


class Pool(nn.Module):
    """Global average. Not AdaptiveAvgPool2d: its broadcast gradient sends the batch norm before it down a slow path."""
    def forward(self, x):
        return F.avg_pool2d(x, x.shape[2:]).flatten(1)


def student():
    layers, cin = [nn.Conv2d(3, STEM, 3, 2, 1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU6()], STEM
    for expand, channels, blocks, stride in STAGES:
        for i in range(blocks):
            layers.append(Block(cin, channels, stride if i == 0 else 1, expand))
            cin = channels
    layers += [nn.Conv2d(cin, FEATURES, 1, bias=False), nn.BatchNorm2d(FEATURES), nn.ReLU6(),
               Pool()]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


class Learner(nn.Module):
    """The student and the two linear maps that only training needs."""
    def __init__(self):
        super().__init__()
        self.net = student()
        self.to_teacher, self.to_class = nn.Linear(FEATURES, TEACHER_FEATURES), nn.Linear(FEATURES, CLASSES)

    def loss(self, x, targets, soft, first, second, share):
        features = self.net(x)
        logits = self.to_class(features)
        regression = F.smooth_l1_loss(self.to_teacher(features), targets)
        of_first, of_second = (F.cross_entropy(logits, label, label_smoothing=0.1, reduction="none")
                               for label in (first, second))
        classes = (share * of_first + (1 - share) * of_second).mean()
        agreement = F.kl_div(F.log_softmax(logits / TEMPERATURE, 1), F.softmax(soft / TEMPERATURE, 1),
                             reduction="batchmean") * TEMPERATURE ** 2
        return 3 * regression + 0.4 * classes + 0.4 * agreement


# ------------------------------------------------------------------------------------------------ training

def rate(step, steps):
    """Warm-up, constant, cosine to zero: the constant part lets a resumed run be made shorter or longer."""
    decay = max(0.0, (step / steps - (1 - DECAY_SHARE)) / DECAY_SHARE)
    return PEAK_RATE * min(1, (step + 1) / WARMUP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(1, decay)))


def resolution(step, steps):
    return next(size for share, size in RESOLUTIONS if step < share * steps or share == 1.0)


def order_of(step, count):
    """The views of this step: a permutation for each pass, drawn from the step alone so that a cut run goes on alike."""
    batches = count // BATCH
    permutation = np.random.default_rng([SEED, 1000 + step // batches]).permutation(count)
    return permutation[step % batches * BATCH:][:BATCH]


def update_average(average, learner, step):
    keep = min(EMA, (1 + step) / (10 + step))
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), learner.state_dict().values()):
            if a.is_floating_point():
                a.lerp_(b, 1 - keep)
            else:
                a.copy_(b)


def features_of(net, pixels):
    net.eval()
    with torch.no_grad():
        # A permuted NHWC array already lies in channels_last order.
        return np.concatenate([net(torch.from_numpy(normalise(pixels[i:i + 64])).permute(0, 3, 1, 2)).numpy()
                               for i in range(0, len(pixels), 64)])


def quick_score(net, views, val_pixels, val_labels):
    """`val` top-1 of one logistic head, for the log."""
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=100))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        head.fit(features_of(net, views.pixels[0]), views.labels)
    return head.score(features_of(net, val_pixels), val_labels)


def make_optimiser(learner):
    """Weight decay on matrices only: on biases and batch norms it does harm."""
    parameters = list(learner.parameters())
    return torch.optim.AdamW([{"params": [p for p in parameters if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
                              {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0}])


class Run:
    """What a checkpoint holds."""
    def __init__(self):
        torch.manual_seed(SEED)
        self.learner, self.average = Learner(), Learner()
        self.average.load_state_dict(self.learner.state_dict())
        self.optimiser = make_optimiser(self.learner)
        self.step, self.spent = 0, 0.0

    def save(self, path):
        state = {"step": self.step, "spent": self.spent}
        state |= {part: getattr(self, part).state_dict() for part in ("learner", "average", "optimiser")}
        cut_safe(path, lambda f: torch.save(state, f))

    def load(self, path):
        state = torch.load(path)
        for part in ("learner", "average", "optimiser"):
            getattr(self, part).load_state_dict(state[part])
        self.step, self.spent = state["step"], state["spent"]

    def advance(self, views, size, steps):
        """One batch. Returns its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step, steps)
        self.learner.train()
        rng = np.random.default_rng([SEED, 2, self.step])
        loss = self.learner.loss(*views.batch(order_of(self.step, len(views)), rng, size))
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 5.0)
        self.optimiser.step()
        update_average(self.average, self.learner, self.step)
        self.step += 1
        return loss.item()


def train(data, work, rounds, steps):
    ensure_views(data, work, rounds)
    views = Views(data, work, rounds)
    val_paths, val_labels = photos_of(data, "val")
    val_pixels = np.stack([phone_profile(load(p), SIZE) for p in val_paths])
    run, checkpoint, losses = Run(), work / "checkpoint.pt", []
    if checkpoint.exists():
        run.load(checkpoint)
    while run.step < steps:
        start, size = time.process_time(), resolution(run.step, steps)
        losses.append(run.advance(views, size, steps))
        run.spent += time.process_time() - start
        if run.step % LOG_EVERY == 0 or run.step == steps:
            score = quick_score(run.average.net, views, val_pixels, val_labels)
            write_log(work, run, steps, size, np.mean(losses[-LOG_EVERY:]), score)
        if run.step % SAVE_EVERY == 0 or run.step == steps:
            run.save(checkpoint)


def write_log(work, run, steps, size, loss, score):
    path = work / "log.csv"
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        if new:
            out.writerow(["step", "views_seen", "pixels", "rate", "loss", "val_top1", "cpu_seconds"])
        out.writerow([run.step, run.step * BATCH, size, f"{rate(run.step - 1, steps):.6f}", f"{loss:.4f}", f"{score:.4f}",
                      f"{run.spent:.0f}"])
    print(f"step {run.step}/{steps}  {size} px  loss {loss:.4f}  val {score:.4f}  cpu {run.spent:.0f} s", flush=True)


# ------------------------------------------------------------------------------------------------ ONNX

class GraphWriter:
    """The student as plain ONNX: Conv with the batch norm folded in, Clip, Add, GlobalAveragePool, Flatten."""
    def __init__(self):
        limits = (("relu6.min", 0.0), ("relu6.max", 6.0))
        self.nodes, self.constants = [], [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in limits]

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def conv(self, x, conv, norm, name):
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weight = conv.weight.double() * scale[:, None, None, None]
        bias = norm.bias.double() - norm.running_mean.double() * scale
        for part, value in (("weight", weight), ("bias", bias)):
            self.constants.append(numpy_helper.from_array(value.detach().float().contiguous().numpy(), f"{name}.{part}"))
        pad = conv.padding[0]
        return self.node("Conv", [x, f"{name}.weight", f"{name}.bias"], name, kernel_shape=list(conv.kernel_size),
                         strides=list(conv.stride), pads=[pad] * 4, group=conv.groups)

    def chain(self, x, layers, name):
        layers, count = list(layers), 0
        for i, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2d):
                x = self.conv(x, layer, layers[i + 1], f"{name}.conv{count}")
                count += 1
            elif isinstance(layer, nn.ReLU6):
                x = self.node("Clip", [x, "relu6.min", "relu6.max"], f"{x}.relu6")
        return x

    def block(self, x, block, name):
        y = self.chain(x, block.body, name)
        return self.node("Add", [x, y], f"{name}.add") if block.add else y


def metadata(labels):
    profile = (f"name=phone decode=exact orient=1 crop=square size={SIZE}x{SIZE} filter=bicubic "  # include/pomona/profile.h
               "mean=127.5,127.5,127.5 std=127.5,127.5,127.5 layout=rgb")
    return {"pomona.model_name": "pomona-s", "pomona.profile": profile, "pomona.labels": json.dumps(labels),
            "pomona.train_sha": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), "pomona.licence": "Apache-2.0"}


def export(net, labels, path):
    writer, layers = GraphWriter(), list(net)
    blocks = [layer for layer in layers if isinstance(layer, Block)]
    first, last = layers.index(blocks[0]), layers.index(blocks[-1])
    x = writer.chain("input", layers[:first], "stem")
    for i, block in enumerate(blocks):
        x = writer.block(x, block, f"block{i:02d}")
    x = writer.chain(x, layers[last + 1:], "head")
    x = writer.node("GlobalAveragePool", [x], "pool")
    writer.node("Flatten", [x], "features", axis=1)
    taken = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", FEATURES])
    graph = helper.make_graph(writer.nodes, "pomona-s", [taken], [given], writer.constants)
    model = helper.make_model(graph, producer_name="pomona", opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, metadata(labels))
    onnx.checker.check_model(model, full_check=True)
    cut_safe(path, lambda f: f.write(model.SerializeToString()))


def trained(work):
    learner = Learner()
    learner.load_state_dict(torch.load(work / "checkpoint.pt")["average"])
    return learner.net.eval()


# ------------------------------------------------------------------------------------------------ figures

def macs_of(path):
    """Multiply-adds of one photo through the convolutions."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    outputs = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    weights = {w.name: list(w.dims) for w in graph.initializer}
    return sum(math.prod(weights[node.input[1]]) * math.prod(outputs[node.output[0]][2:])
               for node in graph.node if node.op_type == "Conv")


def onnx_features(session, pixels):
    x = normalise(pixels).transpose(0, 3, 1, 2)
    return np.concatenate([session.run(None, {"input": x[i:i + 32]})[0] for i in range(0, len(x), 32)])


def evaluate(data, path, work):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels, labels = {}, {}
    for split in ("train", "val"):
        paths, labels[split] = photos_of(data, split)
        pixels[split] = np.stack([phone_profile(load(p), SIZE) for p in paths])
    features = {split: onnx_features(session, pixels[split]) for split in pixels}
    print(f"size {os.path.getsize(path)} bytes, {macs_of(path) / 1e6:.1f} MMAC, {FEATURES} features at {SIZE}x{SIZE}")
    if work:
        difference = np.abs(features_of(trained(work), pixels["val"]) - features["val"]).max()
        print(f"max abs, ONNX Runtime against PyTorch on val: {difference:.2e}")
    scores = {}
    for c in HEAD_GRID:
        head = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000)).fit(features["train"], labels["train"])
        scores[c] = head.score(features["val"], labels["val"]), head.predict(features["val"])
    print("val top-1 by C: " + ", ".join(f"{c:g} {score:.4f}" for c, (score, _) in scores.items()))
    best = max(scores, key=lambda c: scores[c][0])
    print(f"val top-1 {scores[best][0]:.4f} (C = {best:g})")
    report_classes(scores[best][1], labels["val"], class_names(data))


def report_classes(guesses, labels, names):
    print("| class | photos | right | taken for |\n|---|---|---|---|")
    for label in np.unique(labels):
        of_class = guesses[labels == label]
        wrong, counts = np.unique(of_class[of_class != label], return_counts=True)
        mistakes = ", ".join(f"{names[w]} {c}" for w, c in sorted(zip(wrong, counts), key=lambda pair: -pair[1]))
        print(f"| {names[label]} | {len(of_class)} | {(of_class == label).sum()} | {mistakes} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with grocery/ and models/")
    parser.add_argument("--work", type=Path, help="folder for views, checkpoint and log")
    parser.add_argument("--rounds", type=int, default=16, help="views of every photo")
    parser.add_argument("--steps", type=int, default=4500, help="length of the run, in batches; may differ from call to call")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--export", type=Path, metavar="OUT.onnx")
    parser.add_argument("--evaluate", type=Path, metavar="MODEL.onnx")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.evaluate:
        evaluate(args.data, args.evaluate, args.work)
    elif not args.work:
        parser.error("--work is needed")
    elif args.export:
        export(trained(args.work), class_names(args.data), args.export)
    else:
        args.work.mkdir(parents=True, exist_ok=True)
        train(args.data, args.work, args.rounds, args.steps)


if __name__ == "__main__":
    main()
