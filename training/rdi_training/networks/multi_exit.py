"""The contract of every network here: a chain of stages with one head at the end of each."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


class MultiExitNetwork(nn.Module):
    """Stages s_0 … s_{E-1} in a chain, head k on the output of stage k; the last head is the final exit.

    The output of stage k is cut k: the one tensor that crosses to stage k+1, and all that head k sees.

        image ─ stage 0 ─┬─ cut 0 ─ stage 1 ─┬─ cut 1 ─ … ─ stage E-1 ─┐
                       head 0              head 1                    head E-1
                       exit 0              exit 1                    final exit

    Images are float32 [N, C, H, W] in [0, 1]; logits are [N, classes].
    """

    def __init__(
        self, stages: Sequence[nn.Module], heads: Sequence[nn.Module], image_shape: tuple[int, int, int]
    ) -> None:
        super().__init__()
        if len(stages) != len(heads):
            raise ValueError(f"{len(stages)} stages need as many heads, not {len(heads)}")
        self.stages = nn.ModuleList(stages)
        self.heads = nn.ModuleList(heads)
        self.image_shape = image_shape
        """Channels, height and width of one image."""

    @property
    def exit_count(self) -> int:
        """Number of exits, the final one included."""
        return len(self.heads)

    def run_stage(self, index: int, cut: Tensor) -> Tensor:
        """What stage k makes of cut k-1, or of the images: cut k."""
        features: Tensor = self.stages[index](cut)
        return features

    def run_head(self, index: int, cut: Tensor) -> Tensor:
        """The logits of exit k, [N, classes], from cut k."""
        logits: Tensor = self.heads[index](cut)
        return logits

    def walk(self, images: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Every exit's cut and logits, in order."""
        cut = images
        for index in range(self.exit_count):
            cut = self.run_stage(index, cut)
            yield cut, self.run_head(index, cut)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Every exit's logits, in order: E tensors [N, classes]."""
        return [logits for _, logits in self.walk(images)]


def stacked_logits(network: nn.Module, images: Tensor) -> Tensor:
    """Every exit's logits as one fp32 tensor [E, N, classes]."""
    return torch.stack([logits.float() for logits in network(images)])
