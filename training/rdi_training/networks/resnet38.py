"""RDI-ResNet38 for CIFAR-10 (Triple Wins, section 4.1) with cheap heads, and its single-exit baseline.

Side exits stand after blocks 1 and 4 (counted from 0) of each group, where the paper has them. The paper's own
heads cost a fifth of the backbone; these cost 5 % together (see authors_resnet38 for theirs).
"""

from torch import nn

from .layers import classifier, convolution, initialise, strided_head
from .multi_exit import MultiExitNetwork
from .resnet import WIDTHS, block_chain

BLOCKS_PER_GROUP = 6
EXIT_BLOCKS = (1, 4)
"""Blocks of each group with a side exit at their end."""
IMAGE_SHAPE = (3, 32, 32)


def rdi_resnet38(classes: int = 10) -> MultiExitNetwork:
    """Build RDI-ResNet38: six side exits and the final one; the backbone costs 83.28 M multiply-accumulates."""
    heads = [
        *(strided_head(16, 32, 64, classes=classes, pool_first=True) for _ in EXIT_BLOCKS),
        *(strided_head(32, 32, 64, classes=classes) for _ in EXIT_BLOCKS),
        *(strided_head(64, 64, classes=classes) for _ in EXIT_BLOCKS),
        classifier(WIDTHS[-1], classes),
    ]
    network = MultiExitNetwork(split_at_exits(), heads, IMAGE_SHAPE)
    initialise(network)
    return network


def resnet38(classes: int = 10) -> MultiExitNetwork:
    """The plain ResNet-38: one stage, one exit. Trained alike, it is the defended baseline."""
    backbone = nn.Sequential(convolution(3, WIDTHS[0]), *block_chain(BLOCKS_PER_GROUP))
    network = MultiExitNetwork([backbone], [classifier(WIDTHS[-1], classes)], IMAGE_SHAPE)
    initialise(network)
    return network


def split_at_exits() -> list[nn.Sequential]:
    """The backbone as seven stages, cut after every block that has a side exit."""
    stages: list[list[nn.Module]] = [[convolution(3, WIDTHS[0])]]
    for index, block in enumerate(block_chain(BLOCKS_PER_GROUP)):
        stages[-1].append(block)
        if index % BLOCKS_PER_GROUP in EXIT_BLOCKS:
            stages.append([])
    return [nn.Sequential(*stage) for stage in stages]
