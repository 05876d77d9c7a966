"""RDI-ResNet38 with the heads its authors gave it, and a safe loader for the checkpoint that they published.

Architecture: Triple Wins (ICLR 2020), appendix, and the authors' code. These heads cost a fifth of the backbone.
Their checkpoint carries no licence: load it to compare, do not redistribute it or anything made from it.
"""

from pathlib import Path

import torch
from torch import nn

from .layers import classifier
from .multi_exit import MultiExitNetwork
from .resnet import WIDTHS, BasicBlock
from .resnet38 import BLOCKS_PER_GROUP, EXIT_BLOCKS, IMAGE_SHAPE, split_at_exits


def authors_resnet38(classes: int = 10) -> MultiExitNetwork:
    """Build the published network; its weights come from load_authors_checkpoint."""
    heads = [
        *(_head_32x32(classes) for _ in EXIT_BLOCKS),
        *(_head_16x16(classes) for _ in EXIT_BLOCKS),
        *(classifier(WIDTHS[2], classes) for _ in EXIT_BLOCKS),
        classifier(WIDTHS[2], classes),
    ]
    return MultiExitNetwork(split_at_exits(), heads, IMAGE_SHAPE)


def load_authors_checkpoint(path: Path) -> MultiExitNetwork:
    """The published network with the weights of the file, evaluating.

    The file is a pickle: only tensors and plain containers are unpickled, code in it is refused.
    """
    published = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    network = authors_resnet38()
    network.load_state_dict({_own_name(name): value for name, value in published.items()})
    return network.eval()


def _head_32x32(classes: int) -> nn.Sequential:
    """7.7 M multiply-accumulates on 16 x 32 x 32."""
    return nn.Sequential(
        nn.MaxPool2d(2),
        nn.Conv2d(16, 64, 5, padding=2, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        classifier(32, classes),
    )


def _head_16x16(classes: int) -> nn.Sequential:
    """1.2 M multiply-accumulates on 32 x 16 x 16."""
    return nn.Sequential(nn.MaxPool2d(2), BasicBlock(32, 32), classifier(32, classes))


def _own_name(published: str) -> str:
    """Where this module keeps what the authors call `published`.

    Theirs: module.conv1, module.group1_layer0.bn1, module.branch_layer3.1.conv1, module.fc …
    """
    layer, _, rest = published.removeprefix("module.").partition(".")
    if layer in ("conv1", "bn1"):
        return f"stages.0.0.{('conv1', 'bn1').index(layer)}.{rest}"
    if layer == "fc":
        return f"heads.6.2.{rest}"
    if layer.startswith("group"):
        group, block = int(layer[len("group")]), int(layer.rpartition("layer")[2])
        stage, position = _stage_of(group * BLOCKS_PER_GROUP + block)
        return f"stages.{stage}.{position}.{rest}"
    head = int(layer.removeprefix("branch_layer")) - 1
    index, _, rest = rest.partition(".")
    # In their heads the linear layer stands last, after pooling and a reshape; in ours, inside classifier().
    linear = {0: "7.2", 1: "7.2", 2: "2.2", 3: "2.2", 4: "2", 5: "2"}[head]
    is_linear = int(index) == {0: 9, 1: 9, 2: 4, 3: 4, 4: 2, 5: 2}[head]
    return f"heads.{head}.{linear if is_linear else index}.{rest}"


def _stage_of(block: int) -> tuple[int, int]:
    """Stage of a block counted over the groups, and its place in there; the first convolution leads stage 0."""
    stage, position = 0, 1
    for earlier in range(block):
        position += 1
        if earlier % BLOCKS_PER_GROUP in EXIT_BLOCKS:
            stage, position = stage + 1, 0
    return stage, position
