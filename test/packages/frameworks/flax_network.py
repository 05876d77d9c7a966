"""Exports a small residual network of flax.nnx with one early exit."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from cases import CLASSES, images, write_case
from flax import nnx
from jax2onnx import to_onnx

SIZE = 32


class Block(nnx.Module):
    def __init__(self, before: int, after: int, rngs: nnx.Rngs) -> None:
        self.first = nnx.Conv(before, after, (3, 3), strides=2, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(after, rngs=rngs)
        self.second = nnx.Conv(after, after, (3, 3), rngs=rngs)

    def __call__(self, values: jax.Array) -> jax.Array:
        values = nnx.relu(self.norm(self.first(values)))
        return values + nnx.gelu(self.second(values))


class Network(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first, self.second = Block(3, 8, rngs), Block(8, 16, rngs)
        self.early, self.final = nnx.Linear(8, CLASSES, rngs=rngs), nnx.Linear(16, CLASSES, rngs=rngs)

    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        features = self.first(images)
        deeper = self.second(features)
        return self.early(features.mean((1, 2))), self.final(deeper.mean((1, 2)))


def export_flax(folder: Path) -> None:
    net = Network(nnx.Rngs(1))
    net.eval()
    pixels = images(SIZE)
    values = jnp.asarray(pixels.astype(np.float32) / 255)
    answers = [np.asarray(one) for one in net(values)]
    name = "flax-resnet"
    to_onnx(net, [("B", SIZE, SIZE, 3)], return_mode="file", output_path=str(folder / f"{name}.onnx"))
    write_case(
        folder / f"{name}.json", "Flax", "ResNet", "jax2onnx", pixels, answers, _count_flops(net, values[:1])
    )


def _count_flops(net: nnx.Module, image: jax.Array) -> int:
    """2 × multiply-accumulates of the convolutions and matrix products that JAX traces."""
    return 2 * sum(_macs(equation) for equation in _equations(jax.make_jaxpr(net)(image).jaxpr))


def _equations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.core.jaxprs_in_params(equation.params):
            yield from _equations(inner)


def _macs(equation) -> int:
    if equation.primitive.name == "conv_general_dilated":
        kernel, spec = equation.invars[1].aval.shape, equation.params["dimension_numbers"].rhs_spec
        filters = kernel[spec[0]]
        return equation.outvars[0].aval.size * int(np.prod(kernel)) // filters
    if equation.primitive.name == "dot_general":
        (left, _), _ = equation.params["dimension_numbers"]
        shape = equation.invars[0].aval.shape
        return equation.outvars[0].aval.size * int(np.prod([shape[axis] for axis in left]))
    return 0
