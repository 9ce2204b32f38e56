"""Every operator alone, with its attributes, in both memory layouts, against ONNX Runtime."""
import numpy as np
import pytest

import harness
from onnx_models import Builder


def build(make, layout="torch", size=13, opset=13, channels=8, **options):
    """A model whose output is make(builder, x), x an image of `channels` channels made by a convolution."""
    b = Builder(seed=5, layout=layout, size=size, opset=opset, **options)
    x = b.conv("x", channels) if channels != 3 else "x"
    return b, b.model(make(b, x))


def check(make, folder, size=13, layer=None, **options):
    b, model = build(make, size=size, **options)
    return harness.check(model, folder, size, layer=layer or model.graph.output[0].name)


def conv(b, x, out, kernel, bias=True, group=1, **attributes):
    """A Conv node as it stands, x in NCHW."""
    weight = b.uniform(out, b.channels[x] // group, *kernel)
    inputs = [x, b.constant(weight)] + ([b.constant(b.uniform(out))] if bias else [])
    return b.node("Conv", inputs, out, group=group, **attributes)


CONVS = {
    "1x1": dict(kernel=(1, 1)), "1x1 no bias": dict(kernel=(1, 1), bias=False), "1x1 stride": dict(kernel=(1, 1), strides=[2, 2]),
    "1x1 padded": dict(kernel=(1, 1), pads=[1, 1, 1, 1]), "3x3": dict(kernel=(3, 3)), "3x3 pads": dict(kernel=(3, 3), pads=[1, 1, 1, 1]),
    "3x3 odd pads": dict(kernel=(3, 3), pads=[0, 1, 2, 0], strides=[2, 2]), "3x5": dict(kernel=(3, 5), strides=[2, 1]),
    "dilated": dict(kernel=(3, 3), dilations=[2, 3], pads=[2, 3, 2, 3]), "7x7": dict(kernel=(7, 7), strides=[2, 2], pads=[3, 3, 3, 3]),
    "same upper": dict(kernel=(3, 3), auto_pad="SAME_UPPER", strides=[2, 2]), "same lower": dict(kernel=(4, 4), auto_pad="SAME_LOWER", strides=[2, 2]),
    "valid": dict(kernel=(3, 3), auto_pad="VALID"), "whole image": dict(kernel=(13, 13)),
    "groups": dict(kernel=(3, 3), group=4, pads=[1, 1, 1, 1]), "grouped 1x1": dict(kernel=(1, 1), group=2),
    "depthwise": dict(kernel=(3, 3), group=8, pads=[1, 1, 1, 1]), "depthwise 5x5": dict(kernel=(5, 5), group=8, pads=[2, 2, 2, 2], strides=[2, 2]),
    "depthwise odd": dict(kernel=(3, 3), group=8, pads=[0, 0, 1, 1], strides=[2, 2]), "depthwise 2x4": dict(kernel=(2, 4), group=8),
    "depthwise dilated": dict(kernel=(3, 3), group=8, dilations=[2, 2], pads=[2, 2, 2, 2]), "multiplier": dict(kernel=(3, 3), group=8, out=16),
}


@pytest.mark.parametrize("tier", harness.tiers())
@pytest.mark.parametrize("case", CONVS)
def test_conv(case, tier, tmp_path):
    b = Builder(seed=5, size=13)
    options = {"out": 8, **CONVS[case]}
    output = conv(b, b.conv("x", 8), **options)
    harness.check(b.model(output), tmp_path, 13, layer=output, tier=tier)


POOLS = {
    "2x2": dict(kernel_shape=[2, 2]), "stride": dict(kernel_shape=[3, 3], strides=[2, 2]), "pads": dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "odd pads": dict(kernel_shape=[3, 2], strides=[1, 2], pads=[1, 0, 0, 1]), "ceil": dict(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, pads=[0, 1, 0, 1]),
    "ceil 2": dict(kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), "same": dict(kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
    "whole": dict(kernel_shape=[13, 13]),
}


@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "AveragePool count"])
def test_pool(op, case, tmp_path):
    options = dict(POOLS[case])
    if op.endswith("count"):
        if case == "ceil 2":
            pytest.skip("refused: test_average_of_a_cut_window")
        options["count_include_pad"] = 1
    check(lambda b, x: b.node(op.split()[0], [x], **options), tmp_path)


def test_average_of_a_cut_window(tmp_path):
    """What implementations disagree about is refused, not guessed."""
    b, model = build(lambda b, x: b.node("AveragePool", [x], **POOLS["ceil 2"], count_include_pad=1))
    got, message = harness.run(model, harness.photos(1, 13), tmp_path, layer=model.graph.output[0].name)
    assert got is None and "n_averagepool2" in message and "count_include_pad" in message


def test_max_pool_dilated(tmp_path):
    check(lambda b, x: b.node("MaxPool", [x], kernel_shape=[3, 3], dilations=[2, 2]), tmp_path)


ELEMENTWISE = {
    "relu": lambda b, x: b.relu(x), "clip": lambda b, x: b.node("Clip", [x, b.constant(-0.5), b.constant(0.25)]),
    "clip low": lambda b, x: b.node("Clip", [x, b.constant(-0.5)]), "clip high": lambda b, x: b.node("Clip", [x, "", b.constant(0.5)]),
    "clips": lambda b, x: b.node("Clip", [b.relu(x), b.constant(0.1), b.constant(0.7)]),
    "sigmoid": lambda b, x: b.node("Sigmoid", [x]), "hard sigmoid": lambda b, x: b.node("HardSigmoid", [x]),
    "hard sigmoid alpha": lambda b, x: b.node("HardSigmoid", [x], alpha=0.3, beta=0.4), "swish": lambda b, x: b.swish(x),
    "hard swish": lambda b, x: b.hard_swish(x), "relu of hard swish": lambda b, x: b.relu(b.hard_swish(x)),
    "hard swish late sixth": lambda b, x: b.node("Mul", [b.node("Mul", [b.relu6(b.node("Add", [x, b.constant(3.0)])), x]), b.constant(1 / 6)]),
    "hard swish by division": lambda b, x: b.node("Div", [b.node("Mul", [x, b.relu6(b.node("Add", [b.constant(3.0), x]))]), b.constant(6.0)]),
    "not hard swish": lambda b, x: b.node("Mul", [x, b.node("HardSigmoid", [x], alpha=0.2, beta=0.5)]),
    "add itself": lambda b, x: b.node("Add", [x, x]), "square": lambda b, x: b.node("Mul", [x, x]),
    "add": lambda b, x: b.node("Add", [b.relu(x), b.node("Sigmoid", [x])]), "subtract": lambda b, x: b.node("Sub", [b.relu(x), b.node("Sigmoid", [x])]),
    "divide": lambda b, x: b.node("Div", [x, b.node("Sigmoid", [x])]), "multiply": lambda b, x: b.node("Mul", [b.relu(x), b.node("Sigmoid", [x])]),
    "residual relu": lambda b, x: b.relu(b.node("Add", [b.relu(x), b.conv(x, 8)])),
    "two convolutions": lambda b, x: b.node("Add", [b.conv(x, 8), b.conv(x, 8, 3)]),
    "clamped branch": lambda b, x: b.node("Add", [b.relu6(b.conv(x, 8)), x]),
    "reused branch": lambda b, x: (lambda y: b.node("Mul", [y, b.node("Add", [y, x])]))(b.conv(x, 8)),
    "scalar": lambda b, x: b.node("Mul", [x, b.constant(0.5)]), "scalar first": lambda b, x: b.node("Sub", [b.constant(0.5), x]),
    "inverse": lambda b, x: b.node("Div", [b.constant(2.0), b.node("Sigmoid", [x])]), "over": lambda b, x: b.node("Div", [b.relu(x), b.constant(0.7)]),
    "row": lambda b, x: b.node("Mul", [x, b.constant(b.uniform(13, 1))]),
    "plane": lambda b, x: b.node("Add", [x, b.constant(b.uniform(1, 13, 13, 1) if b.keras else b.uniform(1, 1, 13, 13))]),
    "column first": lambda b, x: b.node("Sub", [b.constant(b.uniform(13, 1)), x]),
    "norm of relu": lambda b, x: b.norm(b.relu(x)), "norm": lambda b, x: b.norm(x), "norm twice": lambda b, x: b.norm(b.norm(x)),
    "negative scale behind a clamp": lambda b, x: b.node("Mul", [b.relu6(x), b.constant(-2.0)]),
    "scale behind a clamp": lambda b, x: b.node("Add", [b.node("Mul", [b.relu6(x), b.constant(2.0)]), b.constant(-1.0)]),
    "spatial gate": lambda b, x: b.node("Mul", [x, b.node("Sigmoid", [b.conv(x, 1)])]),
    "channel gate": lambda b, x: b.node("Mul", [b.node("Sigmoid", [b.mean(x)]), x]),
    "add channels": lambda b, x: b.node("Add", [b.mean(x), x]), "cast": lambda b, x: b.node("Cast", [x], to=1),
    "identity": lambda b, x: b.node("Identity", [b.relu(x)]), "dropout": lambda b, x: b.node("Dropout", [b.relu(x)]),
}


@pytest.mark.parametrize("layout", ["torch", "keras"])
@pytest.mark.parametrize("case", ELEMENTWISE)
def test_elementwise(case, layout, tmp_path):
    check(ELEMENTWISE[case], tmp_path, layout=layout, opset=14)


def channel_constant(b, *dims):
    return b.constant(b.uniform(*dims))


SHAPES = {
    "flatten": lambda b, x: b.node("Flatten", [x]), "flatten negative": lambda b, x: b.node("Flatten", [x], axis=-3),
    "reshape": lambda b, x: b.node("Reshape", [x, b.constant([0, 8, -1], np.int64)]),
    "reshape all": lambda b, x: b.node("Reshape", [x, b.constant([-1, 8 * 169], np.int64)]),
    "reshape and dense": lambda b, x: b.node("MatMul", [b.node("Reshape", [x, b.constant([-1, 8 * 169], np.int64)]), channel_constant(b, 8 * 169, 5)]),
    "view": lambda b, x: (lambda n: b.node("Reshape", [x, b.node("Concat", [b.node("Unsqueeze", [n, b.constant([0], np.int64)]), b.constant([-1], np.int64)], axis=0)]))(
        b.node("Gather", [b.node("Shape", [x]), b.constant(0, np.int64)], axis=0)),
    "slice of shape": lambda b, x: b.node("Reshape", [x, b.node("Concat", [b.node("Slice", [b.node("Shape", [x])] + [b.constant([v], np.int64) for v in (0, 2, 0)]),
                                                                         b.constant([-1], np.int64)], axis=0)]),
    "arithmetic": lambda b, x: b.node("Reshape", [x, b.node("Mul", [b.constant([0, 4, 13, 13], np.int64), b.constant([1, 2, 1, 1], np.int64)])]),
    "transpose": lambda b, x: b.node("Transpose", [x], perm=[0, 2, 3, 1]), "transpose back": lambda b, x: b.relu(b.node("Transpose", [x], perm=[0, 3, 1, 2])),
    "transpose and flatten": lambda b, x: b.node("Flatten", [b.node("Transpose", [x], perm=[0, 3, 2, 1])]),
    "squeeze": lambda b, x: b.node("Squeeze", [b.node("GlobalAveragePool", [x]), b.constant([2, 3], np.int64)]),
    "unsqueeze": lambda b, x: b.node("Mul", [x, b.node("Unsqueeze", [b.node("Flatten", [b.node("GlobalAveragePool", [x])]), b.constant([2, 3], np.int64)])]),
    "reshape gate": lambda b, x: b.node("Mul", [x, b.node("Reshape", [b.node("Flatten", [b.node("GlobalAveragePool", [x])]), b.constant([0, 8, 1, 1], np.int64)])]),
    "concat": lambda b, x: b.node("Concat", [x, b.relu(x), x], 24, axis=1), "concat rows": lambda b, x: b.node("Concat", [x, b.relu(x)], 8, axis=2),
    "concat columns": lambda b, x: b.node("Concat", [b.node("Sigmoid", [x]), x], 8, axis=-1),
    "concat transposed": lambda b, x: b.node("Concat", [b.node("Transpose", [x], perm=[0, 3, 2, 1]), b.node("Reshape", [x, b.constant([0, 13, 13, 8], np.int64)])], axis=1),
    "pad": lambda b, x: b.node("Pad", [x, b.constant([0, 0, 1, 2, 0, 0, 3, 0], np.int64)]),
    "pad value": lambda b, x: b.node("Pad", [x, b.constant([0, 0, 1, 2, 0, 0, 3, 0], np.int64), b.constant(0.5)]),
    "pad and convolve": lambda b, x: conv(b, b.node("Pad", [x, b.constant([0, 0, 1, 0, 0, 0, 2, 3], np.int64)]), 8, (3, 3), strides=[2, 2]),
    "pad, value, convolve": lambda b, x: conv(b, b.node("Pad", [x, b.constant([0, 0, 1, 0, 0, 0, 2, 3], np.int64), b.constant(0.5)]), 8, (3, 3)),
    "pad, same": lambda b, x: conv(b, b.node("Pad", [x, b.constant([0, 0, 1, 0, 0, 0, 2, 3], np.int64)]), 8, (3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    "pad and maximum": lambda b, x: b.node("MaxPool", [b.node("Pad", [x, b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)])], kernel_shape=[3, 3], strides=[2, 2]),
    "pad relu maximum": lambda b, x: b.node("MaxPool", [b.node("Pad", [b.relu(x), b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)])], kernel_shape=[3, 3], strides=[2, 2]),
    "pad and average": lambda b, x: b.node("AveragePool", [b.node("Pad", [x, b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)])], kernel_shape=[3, 3], strides=[2, 2]),
    "padded twice": lambda b, x: b.node("Add", [conv(b, b.node("Pad", [x, b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)]), 8, (3, 3)), x]),
    "global average": lambda b, x: b.node("GlobalAveragePool", [x]), "mean": lambda b, x: b.node("ReduceMean", [x], axes=[2, 3], keepdims=0),
    "mean of rows": lambda b, x: b.node("ReduceMean", [x], axes=[2]), "mean of channels": lambda b, x: b.node("ReduceMean", [x], axes=[1]),
    "mean, no channels": lambda b, x: b.node("ReduceMean", [x], axes=[-3], keepdims=0), "mean of all": lambda b, x: b.node("ReduceMean", [x], axes=[1, 2, 3], keepdims=1),
    "softmax": lambda b, x: b.node("Softmax", [x], axis=1), "softmax of columns": lambda b, x: b.node("Softmax", [x], axis=3),
    "matmul of pixels": lambda b, x: b.node("MatMul", [b.node("Transpose", [x], perm=[0, 2, 3, 1]), channel_constant(b, 8, 6)]),
    "matmul of columns": lambda b, x: b.node("MatMul", [x, channel_constant(b, 13, 6)]),
    "gemm": lambda b, x: b.node("Gemm", [b.node("Flatten", [x]), channel_constant(b, 8 * 169, 6), channel_constant(b, 6)], alpha=0.5, beta=2.0),
    "gemm transposed": lambda b, x: b.node("Gemm", [b.node("Flatten", [x]), channel_constant(b, 6, 8 * 169)], transB=1),
    "gemm row bias": lambda b, x: b.node("Gemm", [b.node("Flatten", [x]), channel_constant(b, 6, 8 * 169), channel_constant(b, 1, 6)], transB=1),
    "gemm relu": lambda b, x: b.relu(b.node("Gemm", [b.node("Flatten", [x]), channel_constant(b, 6, 8 * 169), b.constant(0.5)], transB=1)),
    "transposed weights": lambda b, x: b.node("MatMul", [b.node("Flatten", [x]), b.node("Transpose", [channel_constant(b, 6, 8 * 169)])]),
    "reshaped weights": lambda b, x: b.node("Conv", [x, b.node("Reshape", [channel_constant(b, 4, 8), b.constant([4, 8, 1, 1], np.int64)])], 4),
    "computed weights": lambda b, x: b.node("Conv", [x, b.node("Mul", [channel_constant(b, 4, 8, 1, 1), channel_constant(b, 4, 1, 1, 1)])], 4),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shape(case, tmp_path):
    check(SHAPES[case], tmp_path)


OLD = {
    "clip 6": (7, lambda b, x: b.node("Clip", [x], min=-0.25, max=0.5)), "pad 2": (7, lambda b, x: b.node("Pad", [x], pads=[0, 0, 1, 1, 0, 0, 2, 2], value=0.5)),
    "squeeze 1": (11, lambda b, x: b.node("Squeeze", [b.node("GlobalAveragePool", [x])], axes=[2, 3])),
    "unsqueeze 1": (11, lambda b, x: b.node("Unsqueeze", [b.node("Flatten", [x])], axes=[1])),
    "softmax 1": (12, lambda b, x: b.node("Softmax", [x])), "softmax 11": (11, lambda b, x: b.node("Softmax", [x], axis=2)),
    "mean 18": (18, lambda b, x: b.node("ReduceMean", [x, b.constant([2, 3], np.int64)], keepdims=0)),
    "pad 18": (18, lambda b, x: b.node("Pad", [x, b.constant([1, 2], np.int64), "", b.constant([-1], np.int64)])),
    "dropout 7": (7, lambda b, x: b.node("Dropout", [b.relu(x)], ratio=0.5)), "shape 15": (15, lambda b, x: b.node("Reshape", [x, b.node("Concat", [b.node("Shape", [x], end=2), b.constant([-1], np.int64)], axis=0)])),
    "average 19": (19, lambda b, x: b.node("AveragePool", [x], kernel_shape=[3, 3], dilations=[2, 2])),
}


@pytest.mark.parametrize("case", OLD)
def test_operator_version(case, tmp_path):
    opset, make = OLD[case]
    check(make, tmp_path, opset=opset)


@pytest.mark.parametrize("batch", ["N", 1, 4])
def test_batch_in_the_file(batch, tmp_path):
    def make(b, x):
        y = b.node("Reshape", [b.mean(x), b.constant([1 if batch == "N" else batch, -1] if batch != "N" else [0, -1], np.int64)])
        return b.relu(y)
    b, model = build(make, batch=batch)
    if batch != 4:
        harness.check(model, tmp_path, 13, layer=model.graph.output[0].name)
    else:
        got, message = harness.run(model, harness.photos(4, 13), tmp_path)
        want = harness.onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {"x": (harness.photos(4, 13).astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)})[0]
        assert got is not None, message
        assert np.abs(got - want).max() <= 1e-4


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_float_types(dtype, tmp_path):
    """Weights stored in half or double precision, cast by a node or read as they are."""
    b = Builder(seed=2, size=13)
    stored = b.uniform(4, 3, 3, 3).astype(dtype)
    weight = b.node("Cast", [b.constant(stored, dtype)], to=1)
    output = b.node("Conv", ["x", weight], 4)
    harness.check(b.model(output), tmp_path, 13, layer=output)


@pytest.mark.parametrize("packed", [True, False])
def test_typed_data(packed, tmp_path):
    """float_data and int64_data instead of raw_data, packed as ONNX writes them or not as an old protobuf would."""
    b = Builder(seed=2, size=13)
    output = conv(b, b.node("Pad", ["x", b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)]), 4, (3, 3))
    model = b.model(output)
    for tensor in model.graph.initializer:
        array = harness.onnx.numpy_helper.to_array(tensor)
        tensor.ClearField("raw_data")
        (tensor.float_data if array.dtype == np.float32 else tensor.int64_data).extend(array.flatten().tolist())
    want = harness.peer(model, harness.photos(3, 13))
    path = tmp_path / "typed.onnx"
    path.write_bytes(model.SerializeToString() if packed else unpack(model))
    got, message = harness.run(path, harness.photos(3, 13), tmp_path, layer=output)
    assert got is not None, message
    assert np.abs(got - want).max() <= 1e-4


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def unpack(model):
    """The model with every repeated number written with a tag of its own."""
    import struct
    graph = model.graph
    body = b""
    for tensor in graph.initializer:
        data = b"".join(b"\x08" + varint(d) for d in tensor.dims) + b"\x10" + varint(tensor.data_type)
        data += b"".join(b"\x25" + struct.pack("<f", v) for v in tensor.float_data)
        data += b"".join(b"\x38" + varint(v) for v in tensor.int64_data)
        data += b"\x42" + varint(len(tensor.name)) + tensor.name.encode()
        body += b"\x2a" + varint(len(data)) + data
    rest = harness.onnx.GraphProto()
    rest.CopyFrom(graph)
    rest.ClearField("initializer")
    body += rest.SerializeToString()
    outer = harness.onnx.ModelProto()
    outer.CopyFrom(model)
    outer.ClearField("graph")
    return outer.SerializeToString() + b"\x3a" + varint(len(body)) + body
