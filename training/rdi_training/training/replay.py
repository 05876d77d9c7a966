"""Recording work for a GPU once and replaying it: one launch in place of thousands, which small networks wait for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

WARM_UPS = 3
"""Runs before a recording, so that algorithms are chosen, code is compiled and memory is at hand."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Recording(Generic[Result]):
    """A CUDA graph and the tensors that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    result: Result
    gradients: list[Tensor | None]


class Replayed(Generic[Result]):
    """A function that leaves gradients in a network's parameters, recorded as a CUDA graph per shape and option.

    It takes the network, tensors and hashable options, must read nothing back from the GPU and draw no random
    numbers. Each call overwrites the result and the gradients of the one before.
    """

    def __init__(self, work: Callable[..., Result]) -> None:
        self._work = work
        self._recordings: dict[object, Recording[Result]] = {}

    def __call__(self, network: nn.Module, *inputs: Tensor, **options: object) -> Result:
        """What the function returns; afterwards every parameter's `grad` is that of these inputs alone."""
        key = (*(tensor.shape for tensor in inputs), *sorted(options.items()))
        if key not in self._recordings:
            self._recordings[key] = self._record(network, inputs, options)
        recording = self._recordings[key]
        for held, given in zip(recording.inputs, inputs, strict=True):
            held.copy_(given)
        recording.graph.replay()
        for parameter, gradient in zip(network.parameters(), recording.gradients, strict=True):
            parameter.grad = gradient
        return recording.result

    def _record(self, network: nn.Module, inputs: tuple[Tensor, ...], options: dict[str, object]) -> Recording[Result]:
        """Work on the side until warm, then once for the record; batch-norm statistics stay as they were."""
        held = [tensor.clone() for tensor in inputs]
        statistics = [buffer.clone() for buffer in network.buffers()]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                network.zero_grad(set_to_none=True)
                self._work(network, *held, **options)
        torch.cuda.current_stream().wait_stream(side)
        network.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self._work(network, *held, **options)
        for buffer, value in zip(network.buffers(), statistics, strict=True):
            buffer.copy_(value)
        return Recording(graph, held, result, [parameter.grad for parameter in network.parameters()])
