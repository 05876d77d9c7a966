"""A network from its ONNX graph, with gradients: for attacks on any package, whatever framework it came from.

Not a library: onnx2torch takes no graph of today's exporters (its Transpose ends before opset 21, its ReduceMean before
18), and ONNX Runtime has given up gradients. A graph with an operator that networks/onnx_operators.py lacks is refused,
and a network whose outputs are not ONNX Runtime's is, too.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .onnx_operators import OPERATORS

TOLERANCE = 1e-3
"""Of outputs, relative to the largest: fp32 sums in another order."""


class OnnxNetwork(nn.Module):
    """Runs the graph in torch: [N, …] for the graph's input to a list with the named outputs, each [N, classes]."""

    def __init__(self, path: Path, outputs: Sequence[str]) -> None:
        super().__init__()
        self.outputs = list(outputs)
        model = onnx.load(path)
        self.nodes = [_Node(node) for node in model.graph.node]
        missing = sorted({node.operator for node in self.nodes if node.operator not in (*OPERATORS, "Constant")})
        if missing:
            raise ValueError(f"{path}: gradients are not known here for {', '.join(missing)}")
        self.names = {value.name: f"constant_{index}" for index, value in enumerate(model.graph.initializer)}
        for value in model.graph.initializer:
            self.register_buffer(self.names[value.name], _tensor(value))
        self.input = next(value.name for value in model.graph.input if value.name not in self.names)
        self._check(path)

    @property
    def exit_count(self) -> int:
        """Number of outputs."""
        return len(self.outputs)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The outputs, in order."""
        values: dict[str, Tensor | None] = {name: getattr(self, buffer) for name, buffer in self.names.items()}
        values |= {"": None, self.input: images}
        for node in self.nodes:
            made = node.run([values[name] for name in node.inputs])
            values |= dict(zip(node.outputs, made, strict=False))
        return [values[name] for name in self.outputs]

    @torch.no_grad()
    def _check(self, path: Path) -> None:
        """A ValueError unless the outputs are those of ONNX Runtime, on noise."""
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        shape = [2, *session.get_inputs()[0].shape[1:]]
        noise = np.random.default_rng(1).random(shape, dtype=np.float32)
        expected = session.run(self.outputs, {self.input: noise})
        for name, right, made in zip(self.outputs, expected, self(torch.from_numpy(noise)), strict=True):
            if not np.allclose(made.numpy(), right, rtol=0, atol=TOLERANCE * max(1.0, float(np.abs(right).max()))):
                raise ValueError(f"{path}: in torch the output {name} differs from ONNX Runtime's")


class _Node:
    """A node with its attributes read."""

    def __init__(self, proto: onnx.NodeProto) -> None:
        self.operator = proto.op_type
        self.inputs = list(proto.input)
        self.outputs = list(proto.output)
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in proto.attribute}
        self.attributes = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()
        }
        self.constant = _constant(self.attributes) if self.operator == "Constant" else None

    def run(self, inputs: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        if self.constant is not None:
            return (self.constant,)
        made = OPERATORS[self.operator](*inputs, **self.attributes)
        return made if isinstance(made, tuple) else (made,)


def _constant(attributes: dict[str, Any]) -> Tensor:
    """The one attribute of a Constant: a tensor, or plain numbers."""
    (value,) = attributes.values()
    return _tensor(value) if isinstance(value, onnx.TensorProto) else torch.tensor(value)


def _tensor(value: onnx.TensorProto) -> Tensor:
    return torch.from_numpy(numpy_helper.to_array(value).copy())
