"""A multi-exit network as one ONNX graph: input `image`, outputs `exit_0` …, and named cuts `cut_0` … inside.

The service splits the graph at the cuts, so their names are part of the contract; they are values of the graph,
not outputs of it. Nothing here writes external data: the largest of these networks has a few MB.
"""

import copy
import io
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from ..networks.multi_exit import MultiExitNetwork

OPSET = 17
INPUT = "image"


def exit_name(index: int) -> str:
    """Name of the logits of exit k."""
    return f"exit_{index}"


def cut_name(index: int) -> str:
    """Name of the tensor that crosses from stage k to stage k+1."""
    return f"cut_{index}"


def write_onnx(network: MultiExitNetwork, path: Path) -> None:
    """Write the network, evaluating and with batch norm folded into its convolutions; the batch size stays open."""
    network = copy.deepcopy(network).cpu().to(memory_format=torch.contiguous_format).eval()
    exits = range(network.exit_count)
    exit_names = [exit_name(index) for index in exits]
    cut_names = [cut_name(index) for index in exits[:-1]]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter keeps this graph free of shape arithmetic; its successor needs a further package.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Extents of features are constants of the graph; only the batch varies.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            _WithCuts(network),
            (torch.zeros(2, *network.image_shape),),
            buffer,
            input_names=[INPUT],
            output_names=[*exit_names, *cut_names],
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *exit_names, *cut_names)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    outputs = {output.name: output for output in model.graph.output}
    del model.graph.output[:]
    model.graph.output.extend(outputs[name] for name in exit_names)
    model.graph.value_info.extend(outputs[name] for name in cut_names)
    model.graph.name = "multi-exit-network"
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def run_onnx(path: Path, images: Tensor) -> Tensor:
    """Logits [E, N, classes] of the graph on images [N, C, H, W], by ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return torch.from_numpy(np.stack(session.run(names, {INPUT: images.numpy()})))


class _WithCuts(nn.Module):
    """Logits of every exit, then every cut."""

    def __init__(self, network: MultiExitNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        cuts, logits = zip(*self.network.walk(images), strict=True)
        return (*logits, *cuts[:-1])
