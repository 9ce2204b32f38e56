"""Quantised networks with random weights, built as QDQ graphs, and what they give to the bit: docs/internals/int8.md in NumPy, written
from that page alone. The builder computes as it builds, so that the scale of each tensor fits its values."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from onnx_models import Builder

f32 = np.float32


def byte(value, zero_point, low=0, high=255):
    """clamp(rne(value) + zero point, low, high)"""
    return np.clip(np.rint(value).astype(np.int64) + zero_point, low, high)


class Tensor:
    """q [photos, channels, height, width] in 0..255, standing for (q - zero_point) * scale; `real` for a tensor of floats."""

    def __init__(self, name, q=None, scale=None, zero_point=0, real=None):
        self.name, self.q, self.scale, self.zero_point, self.real = name, q, scale, zero_point, real


class Integer(Builder):
    def __init__(self, pixels, seed=0, signed=False, **options):
        super().__init__(seed=seed, size=pixels.shape[1], opset=options.pop("opset", 13), **options)
        self.pixels = pixels.transpose(0, 3, 1, 2).astype(np.int64)
        self.signed = signed

    def integers(self, values, dtype):
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), f"c{len(self.weights)}"))
        return self.weights[-1].name

    def quantize(self, x, scale, zero_point):
        """QuantizeLinear and DequantizeLinear, with signed bytes where the network has those."""
        dtype, offset = (np.int8, 128) if self.signed else (np.uint8, 0)
        s, z = self.constant(f32(scale)), self.integers(zero_point - offset, dtype)
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, s, z]), s, z])

    def input_pixels(self, scale=None, zero_point=128):
        """Without a scale: shifted by half a step, so that q is the pixel. With one: quantised as it is."""
        if scale is None:
            shifted = self.node("Add", ["x", self.constant(np.full((1, 3, 1, 1), -0.5 / 127.5))], 3)
            name = self.quantize(shifted, 1 / 127.5, 128)
            return Tensor(name, self.pixels, f32(1 / 127.5), 128)
        x = self.pixels.astype(f32) * f32(1 / f32(127.5)) + f32(-f32(127.5) / f32(127.5))
        return Tensor(self.quantize("x", scale, zero_point), byte((x / f32(scale)).astype(f32), zero_point), f32(scale),
                      zero_point)

    def products(self, x, w, stride, pads, groups):
        """Sums of w (q - zero point), exact; padding stands for zero."""
        top, left, bottom, right = pads
        q = np.pad(x.q - x.zero_point, ((0, 0), (0, 0), (top, bottom), (left, right)))
        out, inside, kernel_height, kernel_width = w.shape
        height = (q.shape[2] - kernel_height) // stride + 1
        width = (q.shape[3] - kernel_width) // stride + 1
        sums = np.zeros((len(q), out, height, width), np.int64)
        per_group = out // groups
        for ky in range(kernel_height):
            for kx in range(kernel_width):
                part = q[:, :, ky:ky + stride * (height - 1) + 1:stride, kx:kx + stride * (width - 1) + 1:stride]
                for g in range(groups):
                    here = slice(g * per_group, (g + 1) * per_group)
                    sums[:, here] += np.einsum("nchw,oc->nohw", part[:, g * inside:(g + 1) * inside],
                                               w[here, :, ky, kx].astype(np.int64))
        return sums

    def convolve(self, x, out, kernel, stride, groups, pads, extreme):
        """The Conv node; sums with the bias in them, and the scale of a sum for each channel."""
        inside = x.q.shape[1] // groups
        w = self.random.integers(-128 if extreme else -127, 128, (out, inside, kernel, kernel))
        if extreme:
            w = np.where(w < 0, -128, 127)
        scales = (self.random.uniform(0.5, 1.5, out) / (127 * np.sqrt(inside * kernel * kernel))).astype(f32)
        bias = self.random.integers(-20000, 20000, out)
        pads = pads or [kernel // 2] * 4
        weights = self.node("DequantizeLinear", [self.integers(w, np.int8), self.constant(scales),
                                                 self.integers(np.zeros(out), np.int8)], axis=0)
        sum_scales = x.scale.astype(np.float64) * scales.astype(np.float64)
        biases = self.node("DequantizeLinear", [self.integers(bias, np.int32), self.constant(sum_scales)], axis=0)
        name = self.node("Conv", [x.name, weights, biases], out, strides=[stride] * 2, group=groups, pads=pads,
                         kernel_shape=[kernel] * 2)
        sums = self.products(x, w, stride, pads, groups) + bias[:, None, None]
        return name, sums, sum_scales[:, None, None]

    def integer_conv(self, x, out, kernel=1, stride=1, groups=1, pads=None, clip=None, residual=None, zero_point=None,
                     extreme=False):
        """Conv, the residual, the clamp, QuantizeLinear: all of which is one step. zero_point: None for what fits."""
        name, sums, sum_scales = self.convolve(x, out, kernel, stride, groups, pads, extreme)
        real = sums * sum_scales
        if residual is not None:
            name = self.node("Add", [name, residual.name], out)
            real = real + (residual.q - residual.zero_point) * float(residual.scale)
        if clip is not None:
            name = self.node("Clip", [name, self.constant(clip[0]), self.constant(clip[1])], out)
            real = np.clip(real, *clip)
        low, high = min(0.0, real.min()), max(0.0, real.max())
        scale = f32((high - low) / 250)
        if zero_point is None:
            zero_point = int(np.rint(-low / float(scale)))
        y = self.requantise(sums, sum_scales, scale, zero_point, clip, residual)
        return Tensor(self.quantize(name, scale, zero_point), y, scale, zero_point)

    @staticmethod
    def requantise(sums, sum_scales, scale, zero_point, clip, residual):
        multiplier = (sum_scales / np.float64(scale)).astype(f32)
        value = sums.astype(f32) * multiplier
        if residual is not None:
            factor = f32(np.float64(residual.scale) / np.float64(scale))
            value = value + (residual.q - residual.zero_point).astype(f32) * factor
        low, high = (0, 255) if clip is None else [
            int(np.clip(np.rint(bound / np.float64(scale)) + zero_point, 0, 255)) for bound in clip]
        return byte(value, zero_point, low, high)

    def head(self, x, out, clip=(0.0, 6.0)):
        """The last convolution and the mean of its clamped values: floats."""
        name, sums, sum_scales = self.convolve(x, out, 1, 1, 1, None, False)
        name = self.node("Clip", [name, self.constant(clip[0]), self.constant(clip[1])], out)
        value = np.clip(sums.astype(f32) * sum_scales.astype(f32), f32(clip[0]), f32(clip[1]))
        total = np.zeros(value.shape[:2], f32)
        pixels = value.reshape(*value.shape[:2], -1)
        for i in range(pixels.shape[2]):
            total = total + pixels[:, :, i]
        return self.mean(name, total / f32(pixels.shape[2]))

    def integer_mean(self, x):
        count = x.q.shape[2] * x.q.shape[3]
        sums = (x.q - x.zero_point).sum((2, 3))
        return self.mean(x.name, sums.astype(f32) * f32(np.float64(x.scale) / count))

    def mean(self, name, real):
        return Tensor(self.node("Flatten", [self.node("GlobalAveragePool", [name])], axis=1), real=real)

    def add(self, a, b, scale, zero_point):
        value = ((a.q - a.zero_point).astype(f32) * f32(np.float64(a.scale) / np.float64(scale)) +
                 (b.q - b.zero_point).astype(f32) * f32(np.float64(b.scale) / np.float64(scale)))
        name = self.quantize(self.node("Add", [a.name, b.name]), scale, zero_point)
        return Tensor(name, byte(value, zero_point), f32(scale), zero_point)

    def table(self, x, op, function, scale, zero_point):
        real = function((x.q - x.zero_point) * np.float64(x.scale))
        name = self.quantize(self.node(op, [x.name]) if op else x.name, scale, zero_point)
        return Tensor(name, byte(real / np.float64(f32(scale)), zero_point), f32(scale), zero_point)

    def features(self, x):
        """The model; what it must give is x.real."""
        output = helper.make_tensor_value_info(x.name, TensorProto.FLOAT, ["N", x.real.shape[1] if x.real is not None else None])
        graph = helper.make_graph(self.nodes, "g", [self.input], [output], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=self.ir)


def block(b, x, expand, out, kernel=3, stride=1, residual=False, **options):
    """An inverted residual block, as `pomona quantize` writes it."""
    wide = b.integer_conv(x, expand, clip=(0.0, 6.0), zero_point=0)
    wide = b.integer_conv(wide, expand, kernel, stride, groups=expand, clip=(0.0, 6.0), zero_point=0, **options)
    return b.integer_conv(wide, out, residual=x if residual else None, zero_point=128)


def mobile(b, width=8, head=40):
    """First convolution, blocks of all kinds, the head."""
    x = b.integer_conv(b.input_pixels(), 2 * width, 3, 2, clip=(0.0, 6.0), zero_point=0)
    x = b.integer_conv(x, 2 * width, 3, 1, groups=2 * width, clip=(0.0, 6.0), zero_point=0)
    x = b.integer_conv(x, width, zero_point=128)
    x = block(b, x, 6 * width, width + 4, stride=2, pads=[0, 0, 1, 1])
    x = block(b, x, 6 * width + 3, width + 4, residual=True)
    x = block(b, x, 6 * width, 3 * width, kernel=5, stride=2)
    x = block(b, x, 12 * width, 3 * width, kernel=5, residual=True)
    return b.head(x, head)
