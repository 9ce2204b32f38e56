"""Quantised networks: equal to docs/internals/int8.md, to the bit, on every tier; near ONNX Runtime; bad files refused."""
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import harness
from integer_models import Integer, block, f32, mobile
from onnx_models import ZOO, Builder

TIERS = harness.tiers()


def check(b, x, folder, near=0.999):
    """Every tier gives the bits of the page; ONNX Runtime something near (its rounding of ties differs)."""
    model = b.features(x)
    onnx.checker.check_model(model)
    pixels = b.pixels.transpose(0, 2, 3, 1).astype(np.uint8)
    want = x.real.astype(f32)
    assert float(want.std()) > 1e-3 * float(np.abs(want).max()), "the test proves nothing: all values are alike"
    for tier in TIERS:
        got, name = harness.run(model, pixels, folder, tier=tier)
        assert got is not None, name
        assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (tier, float(np.abs(got - want).max()))
    peer = harness.peer(model, pixels)
    cosine = (peer * want).sum(1) / np.linalg.norm(peer, axis=1) / np.linalg.norm(want, axis=1)
    assert cosine.min() > near, cosine


@pytest.mark.parametrize("seed", range(4))
def test_mobile_network(seed, tmp_path):
    b = Integer(harness.photos(5, 32 + seed, seed), seed=seed)
    check(b, mobile(b, width=8 + seed), tmp_path)


def test_signed_activations(tmp_path):
    b = Integer(harness.photos(3, 32), seed=5, signed=True)
    check(b, mobile(b), tmp_path)


def test_large_photos(tmp_path):
    """Of 224 pixels, where blocks run in bands and late layers for several photos at once."""
    b = Integer(harness.photos(5, 224), seed=6)
    x = b.integer_conv(b.input_pixels(), 32, 3, 2, clip=(0.0, 6.0), zero_point=0, pads=[0, 0, 1, 1])
    x = b.integer_conv(x, 32, 3, 1, groups=32, clip=(0.0, 6.0), zero_point=0)
    x = b.integer_conv(x, 16, zero_point=128)
    x = block(b, x, 96, 24, stride=2, pads=[0, 0, 1, 1])
    x = block(b, x, 144, 24, residual=True)
    x = block(b, x, 144, 32, stride=2)
    check(b, b.head(block(b, x, 192, 32, residual=True), 64), tmp_path)


def test_pixels_in_another_scale(tmp_path):
    """Quantised pixels that are not the pixels go through tables; odd zero points, one that pads with 7."""
    b = Integer(harness.photos(3, 30), seed=7)
    x = b.integer_conv(b.input_pixels(0.0123, 7), 17, 3, 2, clip=(0.0, 6.0))
    x = b.integer_conv(x, 17, 3, 1, groups=17, zero_point=77)
    x = b.integer_conv(x, 9, clip=(-0.5, 1.25), zero_point=31)
    check(b, b.head(x, 20, clip=(-1.0, 3.0)), tmp_path, near=0.99)


def test_extreme_weights(tmp_path):
    """Only -128 and 127, against photos of 0 and 255."""
    pixels = (harness.photos(3, 32) > 127).astype(np.uint8) * 255
    b = Integer(pixels, seed=8)
    x = b.integer_conv(b.input_pixels(), 48, 3, 2, zero_point=128, extreme=True)
    x = b.integer_conv(x, 48, 3, 1, groups=48, zero_point=128, extreme=True)
    x = b.integer_conv(x, 200, zero_point=0, clip=(0.0, 100.0), extreme=True)
    check(b, b.head(x, 33, clip=(0.0, 1000.0)), tmp_path)


def test_sums_tables_and_means(tmp_path):
    """What networks have that no convolution absorbs: a sum of two tensors, hard swish, a change of scale, a plain mean."""
    b = Integer(harness.photos(3, 32), seed=9, opset=14)
    x = b.integer_conv(b.input_pixels(), 16, 3, 2, zero_point=128)
    swish = b.table(x, "HardSwish", lambda v: v * np.clip(v / 6 + 0.5, 0, 1), 0.031, 12)
    again = b.table(swish, None, lambda v: v, 0.05, 40)
    other = b.integer_conv(again, 16, 5, 1, groups=16)
    both = b.add(swish, other, 0.04, 99)
    check(b, b.integer_mean(b.integer_conv(both, 24, zero_point=128)), tmp_path)


def test_batches_and_neighbours_do_not_matter(tmp_path):
    b = Integer(harness.photos(7, 48), seed=10)
    x = mobile(b)
    pixels = b.pixels.transpose(0, 2, 3, 1).astype(np.uint8)
    for batch in (1, 2, 3, 7, 64):
        got, _ = harness.run(b.features(x), pixels, tmp_path, batch=batch)
        assert np.array_equal(got, x.real)


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "efficientnet_lite0"])
def test_files_of_onnx_runtimes_own_tool(network, tmp_path):
    """Quantised by onnxruntime.quantization: pixels, sums and even the features are in 8 bits. All tiers agree to the bit."""
    from onnxruntime import quantization
    pixels = harness.photos(8, 64)
    b = Builder(seed=7, layout="torch", size=64, opset=13)
    source, target = tmp_path / "float.onnx", tmp_path / "integer.onnx"
    onnx.save(b.model(ZOO[network](b)), source)
    layer = harness.run(source, pixels, tmp_path)[1]
    quantization.quant_pre_process(source, source, skip_symbolic_shape=True)

    class Reader(quantization.CalibrationDataReader):
        # a little beyond -1..1: with a scale of 2/255 every pixel would be a tie, and its rounding a matter of the last bit
        rows = iter([{"x": ((p[None].astype(f32) / 125.0) - f32(1.05)).transpose(0, 3, 1, 2)} for p in pixels])

        def get_next(self):
            return next(self.rows, None)
    quantization.quantize_static(source, target, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                 activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
                                 op_types_to_quantize=["Conv", "Add", "GlobalAveragePool", "Clip"])
    results = [harness.run(target, pixels, tmp_path, layer=layer, tier=tier) for tier in TIERS]
    assert results[0][0] is not None, results[0][1]
    assert all(np.array_equal(results[0][0], other) for other, _ in results)
    peer = harness.peer(target, pixels, layer)
    cosine = (peer * results[0][0]).sum(1) / np.linalg.norm(peer, axis=1) / np.linalg.norm(results[0][0], axis=1)
    assert cosine.min() > 0.98, cosine


# ---- refused ----

def small(**options):
    b = Integer(harness.photos(2, 16), seed=11)
    x = b.integer_conv(b.input_pixels(), 8, 3, 2, clip=(0.0, 6.0), zero_point=0)
    return b, b.features(b.head(b.integer_conv(x, 8, zero_point=128, **options), 8))


def refused(b, model, folder, *words):
    got, message = harness.run(model, b.pixels.transpose(0, 2, 3, 1).astype(np.uint8), folder)
    assert got is None
    for word in words:
        assert word in message, message


def initializer(model, name):
    return next(w for w in model.graph.initializer if w.name == name)


def scale_of(model, op, index=0):
    node = [n for n in model.graph.node if n.op_type == op][index]
    return initializer(model, node.input[1])


@pytest.mark.parametrize("scale", [0.0, -0.1, np.inf, np.nan, 1e-20, 1e20])
def test_absurd_scales(scale, tmp_path):
    for index in (0, 1, 2):
        b, model = small()
        at = scale_of(model, "QuantizeLinear", index)
        at.CopyFrom(numpy_helper.from_array(np.full(numpy_helper.to_array(at).shape, scale, f32), at.name))
        refused(b, model, tmp_path, "absurd scale", "Linear")


def test_a_scale_is_missing(tmp_path):
    b, model = small()
    node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    del node.input[1:]
    refused(b, model, tmp_path, node.name, "input 1 is missing")


def test_a_zero_point_outside_its_type(tmp_path):
    b, model = small()
    node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    at = initializer(model, node.input[2])
    at.ClearField("raw_data")
    at.int32_data.append(300)
    refused(b, model, tmp_path, "300", "UINT8")


def test_a_zero_point_of_another_type(tmp_path):
    b, model = small()
    node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    at = initializer(model, node.input[2])
    at.CopyFrom(numpy_helper.from_array(np.asarray(1, np.int32), at.name))
    refused(b, model, tmp_path, "neither UINT8 nor INT8")


def test_weights_with_a_zero_point(tmp_path):
    b, model = small()
    node = [n for n in model.graph.node if n.op_type == "DequantizeLinear" and "axis" in [a.name for a in n.attribute]][0]
    at = initializer(model, node.input[2])
    at.CopyFrom(numpy_helper.from_array(np.full(numpy_helper.to_array(at).shape, 3, np.int8), at.name))
    refused(b, model, tmp_path, "conv 3x3", "int8 constants with zero point 0")


def test_sums_beyond_32_bits(tmp_path):
    b, model = small()
    node = [n for n in model.graph.node if n.op_type == "DequantizeLinear" and len(n.input) == 2][0]
    at = initializer(model, node.input[0])
    at.CopyFrom(numpy_helper.from_array(np.full(numpy_helper.to_array(at).shape, 2**31 - 1, np.int32), at.name))
    refused(b, model, tmp_path, "beyond 32 bits")


def test_values_beyond_32_bits(tmp_path):
    b, model = small()
    at = scale_of(model, "QuantizeLinear", 1)
    name = at.name
    at.CopyFrom(numpy_helper.from_array(np.asarray(2.0**-30, f32), name))
    refused(b, model, tmp_path, "steps of its output's scale")


def test_scales_that_contradict_each_other(tmp_path):
    b, model = small()
    node = [n for n in model.graph.node if n.op_type == "DequantizeLinear" and "quantizelinear" in n.input[0]][1]
    node.input[1] = b.constant(f32(0.5))
    model.graph.initializer.append(b.weights[-1])
    refused(b, model, tmp_path, node.name, "0.5")


def test_a_layer_without_an_integer_kernel(tmp_path):
    """A second dense 3x3: named, with what can be done."""
    b = Integer(harness.photos(2, 16), seed=12)
    x = b.integer_conv(b.input_pixels(), 8, 3, 2, zero_point=128)
    x = b.integer_conv(x, 8, 3, 1, zero_point=128)
    refused(b, b.features(b.head(x, 8)), tmp_path, "conv 3x3", "8x8x8", "only the first convolution")


def test_a_layer_whose_result_stays_float(tmp_path):
    b = Integer(harness.photos(2, 16), seed=13)
    x = b.integer_conv(b.input_pixels(), 8, 3, 2, zero_point=128)
    name, _, _ = b.convolve(x, 8, 1, 1, 1, None, False)
    softened = b.node("Sigmoid", [name])
    x.name = b.node("Flatten", [b.node("GlobalAveragePool", [softened])], axis=1)
    refused(b, b.features(x), tmp_path, "conv 1x1", "not quantised")


def test_two_first_convolutions(tmp_path):
    """Both read the photo, the second needs less room for it than the first."""
    b = Integer(harness.photos(5, 32), seed=12)
    pixels = b.input_pixels()
    left = b.integer_conv(pixels, 12, 7, 1, pads=[64] * 4, zero_point=90)
    left = b.integer_conv(left, 12, 5, 5, groups=12, pads=[0] * 4)
    right = b.integer_conv(pixels, 12, 3, 1, pads=[0] * 4, zero_point=100)
    right = b.integer_conv(right, 12, 3, 1, groups=12, pads=[1] * 4)
    assert left.q.shape == right.q.shape
    check(b, b.head(b.add(left, right, 0.05, 110), 9), tmp_path)


def test_a_table_before_the_first_convolution(tmp_path):
    b = Integer(harness.photos(3, 16), seed=13)
    x = b.table(b.input_pixels(), "Relu", lambda v: np.maximum(v, 0), 0.006, 3)
    check(b, b.head(b.integer_conv(x, 16, 3, 2, zero_point=128), 8), tmp_path)


def test_windows_in_the_padding_and_strides_beyond_them(tmp_path):
    b = Integer(harness.photos(3, 9), seed=14)
    x = b.integer_conv(b.input_pixels(0.0123, 7), 17, 7, 3, pads=[9, 8, 9, 12], zero_point=30)
    x = b.integer_conv(x, 17, 2, 3, groups=17, pads=[4, 5, 4, 4], zero_point=77)
    check(b, b.integer_mean(b.integer_conv(x, 40, zero_point=128)), tmp_path)


def test_a_photo_of_one_pixel(tmp_path):
    b = Integer(harness.photos(5, 1), seed=15)
    x = b.integer_conv(b.input_pixels(), 32, 3, 2, zero_point=128)
    x = b.integer_conv(x, 32, 5, 1, groups=32, zero_point=128)
    x = b.integer_conv(x, 48, zero_point=128) # 32 inputs and 48 outputs
    check(b, b.head(x, 20, clip=(-9.0, 9.0)), tmp_path)


# ---- layers that are no floats made from quantised values ----

@pytest.mark.parametrize("index", range(4))
def test_features_of_bytes(index, tmp_path):
    """Of one number a photo or an image, which is copied into the file's order."""
    b, model = small()
    nodes = [n.output[0] for n in model.graph.node if n.op_type == "QuantizeLinear"]
    nodes.append(b.node("Flatten", [nodes[-1]], axis=1))
    model.graph.node.append(b.nodes[-1])
    got, message = harness.run(model, harness.photos(2, 16), tmp_path, layer=nodes[index])
    assert got is None
    assert "quantised: name the DequantizeLinear" in message or "no integer kernel" in message, message


@pytest.mark.parametrize("axes", [[0, 1, 2, 3], [0, 3, 1, 2], [0, 2, 3, 1]])
def test_features_that_are_pixels(axes, tmp_path):
    b, model = small()
    model.graph.node.append(b.node("Transpose", ["x"], perm=axes) and b.nodes[-1])
    got, message = harness.run(model, harness.photos(2, 16), tmp_path, layer=b.nodes[-1].output[0])
    assert got is None
    assert "nothing is quantised" in message or "no integer kernel" in message, message


def test_features_behind_each_dequantisation(tmp_path):
    """Quantised values may be features: as floats, in the file's order."""
    b, model = small()
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or "quantizelinear" not in node.input[0] or node.name == "n_dequantizelinear3":
            continue
        results = [harness.run(model, harness.photos(2, 16), tmp_path, layer=node.output[0], tier=tier)[0] for tier in TIERS]
        assert all(np.array_equal(results[0], other) for other in results)
        peer = harness.peer(model, harness.photos(2, 16), node.output[0])
        assert np.allclose(results[0], peer, atol=1.01 * float(numpy_helper.to_array(initializer(model, node.input[1]))))


def test_pixels_that_are_no_numbers(tmp_path):
    b, model = small()
    at = initializer(model, next(n for n in model.graph.node if n.op_type == "Add").input[1])
    at.CopyFrom(numpy_helper.from_array(np.full((1, 3, 1, 1), np.nan, f32), at.name))
    refused(b, model, tmp_path, "no number")


def test_integers_beyond_32_bits(tmp_path):
    b, model = small()
    node = [n for n in model.graph.node if n.op_type == "DequantizeLinear" and len(n.input) == 2][0]
    at = initializer(model, node.input[0])
    at.CopyFrom(numpy_helper.from_array(np.full(numpy_helper.to_array(at).shape, 2**63 - 1, np.int64), at.name))
    refused(b, model, tmp_path, "more than 32 bits")


@pytest.mark.parametrize("type_", [onnx.TensorProto.INT8, onnx.TensorProto.UINT16])
def test_another_output_type(type_, tmp_path):
    """QuantizeLinear without a zero point: attribute output_dtype says which integers it makes."""
    b, model = small()
    node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    del node.input[2:]
    node.attribute.append(onnx.helper.make_attribute("output_dtype", type_))
    refused(b, model, tmp_path, "output_dtype")
