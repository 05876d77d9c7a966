"""ONNX operators in torch, differentiable, for networks/onnx_network.py: those of exporters' image classifiers.

Each takes its inputs in order (None where an optional one is left out) and the node's attributes by name.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor

Operator = Callable[..., Tensor | tuple[Tensor, ...]]
Attribute = float | str | list[int]


def _padded(image: Tensor, pads: list[int], value: float) -> Tensor:
    """ONNX lists the beginnings of all spatial axes, then their ends; torch the last axis first."""
    axes = len(pads) // 2
    pairs = [side for axis in reversed(range(axes)) for side in (pads[axis], pads[axis + axes])]
    return functional.pad(image, pairs, value=value) if any(pairs) else image


def _pads(image: Tensor, kernel: list[int], attributes: dict[str, Attribute]) -> list[int]:
    strides = attributes.get("strides", [1] * len(kernel))
    dilations = attributes.get("dilations", [1] * len(kernel))
    automatic = attributes.get("auto_pad", "NOTSET")
    if automatic in ("NOTSET", "VALID"):
        return attributes.get("pads", [0] * 2 * len(kernel)) if automatic == "NOTSET" else [0] * 2 * len(kernel)
    sizes = image.shape[2:]
    needed = [
        max(0, (-(-size // stride) - 1) * stride + (extent - 1) * dilation + 1 - size)
        for size, extent, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    less, more = [one // 2 for one in needed], [one - one // 2 for one in needed]
    return [*less, *more] if automatic == "SAME_UPPER" else [*more, *less]


def _conv(image: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Attribute) -> Tensor:
    kernel = list(weight.shape[2:])
    convolve = {1: functional.conv1d, 2: functional.conv2d}[len(kernel)]
    return convolve(
        _padded(image, _pads(image, kernel, attributes), 0),
        weight,
        bias,
        stride=attributes.get("strides", 1),
        dilation=attributes.get("dilations", 1),
        groups=attributes.get("group", 1),
    )


def _max_pool(image: Tensor, **attributes: Attribute) -> Tensor:
    kernel = attributes["kernel_shape"]
    padded = _padded(image, _pads(image, kernel, attributes), float("-inf"))
    return functional.max_pool2d(
        padded,
        kernel,
        attributes.get("strides", 1),
        dilation=attributes.get("dilations", 1),
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
    )


def _average_pool(image: Tensor, **attributes: Attribute) -> Tensor:
    kernel, strides = attributes["kernel_shape"], attributes.get("strides", 1)
    pads, ceil = _pads(image, kernel, attributes), bool(attributes.get("ceil_mode", 0))
    sums = functional.avg_pool2d(_padded(image, pads, 0), kernel, strides, ceil_mode=ceil)
    if attributes.get("count_include_pad", 0) or not any(pads):
        return sums
    return sums / functional.avg_pool2d(_padded(torch.ones_like(image), pads, 0), kernel, strides, ceil_mode=ceil)


def _gemm(a: Tensor, b: Tensor, c: Tensor | None = None, **attributes: Attribute) -> Tensor:
    product = (a.T if attributes.get("transA") else a) @ (b.T if attributes.get("transB") else b)
    product = attributes.get("alpha", 1.0) * product
    return product if c is None else product + attributes.get("beta", 1.0) * c


def _batch_normalization(
    x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, **given: Attribute
) -> Tensor:
    return functional.batch_norm(x, mean, variance, scale, bias, eps=given.get("epsilon", 1e-5))


def _layer_normalization(x: Tensor, scale: Tensor, bias: Tensor | None = None, **given: Attribute) -> Tensor:
    shape = x.shape[given.get("axis", -1) :]
    return functional.layer_norm(x, shape, scale.expand(shape), bias, given.get("epsilon", 1e-5))


def _axes(given: Tensor | None, attributes: dict[str, Attribute]) -> list[int] | None:
    """An input since opset 13 or 18, an attribute before."""
    return attributes.get("axes") if given is None else given.tolist()


def _reduce(function: Operator) -> Operator:
    def reduced(x: Tensor, axes: Tensor | None = None, **attributes: Attribute) -> Tensor:
        dimensions = _axes(axes, attributes) or list(range(x.ndim))
        return function(x, dimensions, keepdim=bool(attributes.get("keepdims", 1)))

    return reduced


def _reshape(x: Tensor, shape: Tensor, **attributes: Attribute) -> Tensor:
    sizes = [
        x.shape[axis] if size == 0 and not attributes.get("allowzero") else size
        for axis, size in enumerate(shape.tolist())
    ]
    return x.reshape(sizes)


def _flatten(x: Tensor, **attributes: Attribute) -> Tensor:
    axis = attributes.get("axis", 1)
    return x.reshape(x.shape[:axis].numel(), -1)


def _squeeze(x: Tensor, axes: Tensor | None = None, **attributes: Attribute) -> Tensor:
    dimensions = _axes(axes, attributes)
    return x.squeeze() if dimensions is None else x.squeeze(tuple(dimensions))


def _unsqueeze(x: Tensor, axes: Tensor | None = None, **attributes: Attribute) -> Tensor:
    dimensions = _axes(axes, attributes) or []
    rank = x.ndim + len(dimensions)
    for axis in sorted(axis % rank for axis in dimensions):
        x = x.unsqueeze(axis)
    return x


def _slice(x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None) -> Tensor:
    first, last = starts.tolist(), ends.tolist()
    dimensions = list(range(len(first))) if axes is None else axes.tolist()
    strides = [1] * len(first) if steps is None else steps.tolist()
    for start, end, axis, step in zip(first, last, dimensions, strides, strict=True):
        size = x.shape[axis]
        chosen = torch.tensor(range(size)[slice(start, None if step < 0 and end < -size else end, step)])
        x = x.index_select(axis, chosen.to(x.device, torch.long))
    return x


def _split(x: Tensor, sizes: Tensor | None = None, **attributes: Attribute) -> tuple[Tensor, ...]:
    axis = attributes.get("axis", 0)
    if sizes is not None or "split" in attributes:
        return x.split(attributes["split"] if sizes is None else sizes.tolist(), axis)
    return x.split(-(-x.shape[axis] // attributes["num_outputs"]), axis)


def _gather(x: Tensor, indices: Tensor, **attributes: Attribute) -> Tensor:
    axis = attributes.get("axis", 0) % x.ndim
    chosen = torch.where(indices < 0, indices + x.shape[axis], indices).to(torch.long)
    found = x.index_select(axis, chosen.reshape(-1))
    return found.reshape(*x.shape[:axis], *chosen.shape, *x.shape[axis + 1 :])


def _pad(
    x: Tensor, pads: Tensor, value: Tensor | None = None, axes: Tensor | None = None, mode: str = "constant"
) -> Tensor:
    if mode != "constant" or axes is not None:
        raise ValueError("Pad: only with constants, and on all axes")
    return _padded(x, pads.tolist(), 0.0 if value is None else float(value))


def _clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None, **attributes: Attribute) -> Tensor:
    low = attributes.get("min") if low is None else float(low)
    high = attributes.get("max") if high is None else float(high)
    return x if low is None and high is None else x.clamp(low, high)


def _softmax(x: Tensor, **attributes: Attribute) -> Tensor:
    return x.softmax(attributes.get("axis", -1))


def _hard_sigmoid(x: Tensor, **attributes: Attribute) -> Tensor:
    return (attributes.get("alpha", 0.2) * x + attributes.get("beta", 0.5)).clamp(0, 1)


OPERATORS: dict[str, Operator] = {
    "Abs": torch.abs,
    "Add": torch.add,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": lambda x, **given: x.to({1: torch.float32, 6: torch.int32, 7: torch.int64}[given["to"]]),
    "Clip": _clip,
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Conv": _conv,
    "Div": lambda a, b: a / b if a.is_floating_point() else a // b,
    "Dropout": lambda x, *_ratio, **_given: x,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Expand": lambda x, shape: x.expand(torch.broadcast_shapes(x.shape, shape.tolist())),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": lambda x, approximate="none": functional.gelu(x, approximate=approximate),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda x: x.mean(tuple(range(2, x.ndim)), keepdim=True),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": functional.hardswish,
    "Identity": lambda x: x,
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": lambda x, alpha=0.01: functional.leaky_relu(x, alpha),
    "Log": torch.log,
    "LogSoftmax": lambda x, axis=-1: x.log_softmax(axis),
    "MatMul": torch.matmul,
    "Max": lambda first, *rest: torch.stack(torch.broadcast_tensors(first, *rest)).amax(0),
    "MaxPool": _max_pool,
    "Mul": torch.mul,
    "Neg": torch.neg,
    "Pad": _pad,
    "Pow": torch.pow,
    "PRelu": lambda x, slope: torch.where(x < 0, slope * x, x),
    "Range": lambda start, end, step: torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype),
    "Reciprocal": torch.reciprocal,
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "Relu": torch.relu,
    "Reshape": _reshape,
    "Shape": lambda x, start=0, end=None: torch.tensor(x.shape[start:end]),
    "Sigmoid": torch.sigmoid,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": torch.sqrt,
    "Squeeze": _squeeze,
    "Sub": torch.sub,
    "Tanh": torch.tanh,
    "Transpose": lambda x, perm=None: x.permute(*(perm or reversed(range(x.ndim)))),
    "Unsqueeze": _unsqueeze,
    "Where": torch.where,
}
