"""Small ONNX models with random weights: a builder, and the networks of the mobile zoo as exporters write them.

Each network comes in two dialects: `torch` (NCHW; BatchNormalization nodes, pads as attributes, Flatten) and `keras`
(NHWC as tf2onnx writes it before its optimiser: a Transpose around every convolution, Pad nodes, BatchNormalization as Mul
and Add, ReduceMean)."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Appends nodes; methods take and return names of values. Shapes are followed only as far as channels go."""

    def __init__(self, seed=0, opset=13, layout="torch", size=32, ir=8, batch="N"):
        self.random = np.random.default_rng(seed)
        self.opset, self.keras, self.ir = opset, layout == "keras", ir
        self.nodes, self.weights, self.count = [], [], 0
        self.channels = {"x": 3}
        shape = [batch, size, size, 3] if self.keras else [batch, 3, size, size]
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)

    def constant(self, array, dtype=np.float32):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def node(self, op, inputs, channels=None, **attributes):
        self.count += 1
        name = f"{op.lower()}{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"n_{name}", **attributes))
        self.channels[name] = self.channels.get(inputs[0]) if channels is None else channels
        return name

    def uniform(self, *shape, low=-1.0, high=1.0):
        return self.random.uniform(low, high, shape).astype(np.float32)

    # ---- layers, in either dialect ----

    def conv(self, x, out, kernel=1, stride=1, groups=1, bias=True, pad=None, dilation=1):
        """Padding is SAME-like: kernel // 2 in the torch dialect, a Pad node or SAME attributes in the other."""
        inside = self.channels[x] // groups
        weight = self.constant(self.random.normal(0, np.sqrt(2.0 / (inside * kernel * kernel)), (out, inside, kernel, kernel)))
        inputs = [weight] + ([self.constant(self.uniform(out, low=-0.1, high=0.1))] if bias else [])
        shape = {"strides": [stride] * 2, "group": groups, "dilations": [dilation] * 2, "kernel_shape": [kernel] * 2}
        if not self.keras:
            pad = dilation * (kernel // 2) if pad is None else pad
            return self.node("Conv", [x] + inputs, out, pads=[pad] * 4, **shape)
        if kernel > 1 and stride == 2:
            x = self.pad(x, kernel // 2)
            mode = {"auto_pad": "VALID"}
        else:
            mode = {"auto_pad": "SAME_UPPER"}
        x = self.node("Transpose", [x], perm=[0, 3, 1, 2])
        x = self.node("Conv", [x] + inputs, out, **mode, **shape)
        return self.node("Transpose", [x], perm=[0, 2, 3, 1])

    def pad(self, x, after):
        """Keras' ZeroPadding2D(((after - 1, after), (after - 1, after)))."""
        before = after - 1
        return self.node("Pad", [x, self.constant([0, before, before, 0, 0, after, after, 0], np.int64)], mode="constant")

    def norm(self, x):
        """Batch normalization with plausible statistics."""
        channels = self.channels[x]
        scale, shift = self.uniform(channels, low=0.5, high=1.5), self.uniform(channels, low=-0.2, high=0.2)
        if self.keras:
            return self.node("Add", [self.node("Mul", [x, self.constant(scale)]), self.constant(shift)])
        mean, variance = self.uniform(channels, low=-0.2, high=0.2), self.uniform(channels, low=0.5, high=1.5)
        return self.node("BatchNormalization", [x] + [self.constant(v) for v in (scale, shift, mean, variance)], epsilon=1e-3)

    def relu(self, x):
        return self.node("Relu", [x])

    def relu6(self, x):
        if self.opset < 11:
            return self.node("Clip", [x], min=0.0, max=6.0)
        return self.node("Clip", [x, self.constant(0.0), self.constant(6.0)])

    def hard_sigmoid(self, x):
        if not self.keras:
            return self.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)
        return self.node("Mul", [self.relu6(self.node("Add", [x, self.constant(3.0)])), self.constant(1 / 6)])

    def hard_swish(self, x):
        if not self.keras and self.opset >= 14:
            return self.node("HardSwish", [x])
        return self.node("Mul", [x, self.hard_sigmoid(x)])

    def swish(self, x):
        return self.node("Mul", [x, self.node("Sigmoid", [x])])

    def mean(self, x, keep=True):
        if not self.keras:
            return self.node("GlobalAveragePool", [x])
        if self.opset >= 18:
            return self.node("ReduceMean", [x, self.constant([1, 2], np.int64)], keepdims=int(keep))
        return self.node("ReduceMean", [x], axes=[1, 2], keepdims=int(keep))

    def excite(self, x, squeezed, gate="hard"):
        """Squeeze and excitation."""
        y = self.relu(self.conv(self.mean(x), squeezed))
        y = self.conv(y, self.channels[x])
        y = self.hard_sigmoid(y) if gate == "hard" else self.node("Sigmoid", [y])
        return self.node("Mul", [x, y])

    def head(self, x, classes):
        """Global average pool and classifier."""
        if self.keras:
            x = self.mean(x, keep=False)
            x = self.node("MatMul", [x, self.constant(self.uniform(self.channels[x], classes))], classes)
            return self.node("Softmax", [self.node("Add", [x, self.constant(self.uniform(classes))])], axis=-1)
        x = self.node("Flatten", [self.mean(x)])
        weight, bias = self.uniform(classes, self.channels[x]), self.uniform(classes)
        return self.node("Gemm", [x, self.constant(weight), self.constant(bias)], classes, transB=1)

    def model(self, output, metadata=None, also=()):
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (output, *also)]
        graph = helper.make_graph(self.nodes, "test", [self.input], outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=self.ir)
        for key, value in (metadata or {}).items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, value
        return model


def mobilenet_v1(b, width=0.25):
    x = b.relu6(b.norm(b.conv("x", int(32 * width), 3, 2, bias=False)))
    for out, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (1024, 2), (1024, 1)]:
        x = b.relu6(b.norm(b.conv(x, b.channels[x], 3, stride, b.channels[x], bias=False)))
        x = b.relu6(b.norm(b.conv(x, int(out * width), bias=False)))
    return b.head(x, 10)


def mobilenet_v2(b, width=0.5):
    x = b.relu6(b.norm(b.conv("x", 16, 3, 2, bias=False)))
    for expand, out, repeat, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 2, 2), (6, 96, 2, 1), (6, 160, 2, 2)]:
        for i in range(repeat):
            before, wide = x, b.channels[x] * expand
            if expand > 1:
                x = b.relu6(b.norm(b.conv(x, wide, bias=False)))
            x = b.relu6(b.norm(b.conv(x, wide, 3, stride if i == 0 else 1, wide, bias=False)))
            x = b.norm(b.conv(x, int(out * width), bias=False))
            if i > 0:
                x = b.node("Add", [before, x])
    return b.head(b.relu6(b.norm(b.conv(x, 320, bias=False))), 10)


def mobilenet_v3(b):
    x = b.hard_swish(b.norm(b.conv("x", 16, 3, 2, bias=False)))
    for kernel, wide, out, excite, hard, stride in [(3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2),
                                                    (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1),
                                                    (5, 120, 48, True, True, 1), (5, 288, 96, True, True, 2)]:
        before, act = x, b.hard_swish if hard else b.relu
        x = act(b.norm(b.conv(x, wide, bias=False)))
        x = act(b.norm(b.conv(x, wide, kernel, stride, wide, bias=False)))
        if excite:
            x = b.excite(x, wide // 4)
        x = b.norm(b.conv(x, out, bias=False))
        if stride == 1 and b.channels[before] == out:
            x = b.node("Add", [before, x])
    x = b.mean(b.hard_swish(b.norm(b.conv(x, 288, bias=False))))
    return b.head(b.hard_swish(b.conv(x, 320)), 10)


def efficientnet(b, lite=True):
    """EfficientNet-Lite0's blocks; with lite=False swish and squeeze-and-excitation as in B0."""
    act = b.relu6 if lite else b.swish
    x = act(b.norm(b.conv("x", 32, 3, 2, bias=False)))
    for expand, out, repeat, stride, kernel in [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 2, 2, 3), (6, 112, 1, 1, 5)]:
        for i in range(repeat):
            before, wide = x, b.channels[x] * expand
            if expand > 1:
                x = act(b.norm(b.conv(x, wide, bias=False)))
            x = act(b.norm(b.conv(x, wide, kernel, stride if i == 0 else 1, wide, bias=False)))
            if not lite:
                x = b.excite(x, 8, "sigmoid")
            x = b.norm(b.conv(x, out, bias=False))
            if i > 0:
                x = b.node("Add", [x, before])
    return b.head(b.node("Dropout", [act(b.norm(b.conv(x, 320, bias=False)))]), 10)


def max_pool(b, x, pad):
    if not b.keras:
        return b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[pad] * 4)
    if pad:
        x = b.node("Pad", [x, b.constant([0, 1, 1, 0, 0, 1, 1, 0], np.int64)])
    x = b.node("Transpose", [x], perm=[0, 3, 1, 2])
    return b.node("Transpose", [b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])], perm=[0, 2, 3, 1])


def squeezenet(b):
    x = max_pool(b, b.relu(b.conv("x", 64, 3, 2)), 0)
    for squeeze, expand in [(16, 64), (16, 64), (32, 128), (48, 192)]:
        s = b.relu(b.conv(x, squeeze))
        left, right = b.relu(b.conv(s, expand)), b.relu(b.conv(s, expand, 3))
        x = b.node("Concat", [left, right], 2 * expand, axis=3 if b.keras else 1)
    x = b.relu(b.conv(x, 10))
    x = b.mean(x, keep=False)
    return x if b.keras else b.node("Reshape", [x, b.constant([0, -1], np.int64)])


def resnet(b, bottleneck=False, blocks=(2, 2, 2, 2)):
    """ResNet-18, with bottleneck and blocks=(3, 4, 6, 3) ResNet-50."""
    x = max_pool(b, b.relu(b.norm(b.conv("x", 64, 7, 2, bias=False))), 1)
    for stage, repeat in enumerate(blocks):
        wide = 64 << stage
        out = wide * 4 if bottleneck else wide
        for i in range(repeat):
            stride, before = 2 if i == 0 and stage > 0 else 1, x
            if bottleneck:
                x = b.relu(b.norm(b.conv(x, wide, bias=False)))
                x = b.relu(b.norm(b.conv(x, wide, 3, stride, bias=False)))
                x = b.norm(b.conv(x, out, bias=False))
            else:
                x = b.relu(b.norm(b.conv(x, wide, 3, stride, bias=False)))
                x = b.norm(b.conv(x, wide, 3, bias=False))
            if stride > 1 or b.channels[before] != out:
                before = b.norm(b.conv(before, out, 1, stride, bias=False))
            # a quarter of the branch: thirty blocks of random weights else grow past every tolerance
            x = b.relu(b.node("Add", [b.node("Mul", [x, b.constant(0.25)]), before]))
    return b.head(x, 10)


def resnet50(b):
    return resnet(b, True, (3, 4, 6, 3))


ZOO = {"mobilenet_v1": mobilenet_v1, "mobilenet_v2": mobilenet_v2, "mobilenet_v3": mobilenet_v3,
       "efficientnet_lite0": efficientnet, "efficientnet_b0": lambda b: efficientnet(b, False), "squeezenet": squeezenet,
       "resnet18": resnet, "resnet50": resnet50}
