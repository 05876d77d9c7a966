"""RDI-ResNet38 for CIFAR-10 (Triple Wins, section 4.1) with cheap heads, and its single-exit baseline.

Side exits stand after blocks 1 and 4 (counted from 0) of each group, where the paper has them. The paper's own
heads cost a fifth of the backbone; these cost 5 % together (see authors_resnet38 for theirs).
"""

from torch import nn

from .multi_exit import MultiExitNetwork
from .resnet import WIDTHS, block_chain, classifier, convolution, initialise

BLOCKS_PER_GROUP = 6
EXIT_BLOCKS = (1, 4)
"""Blocks of each group with a side exit at their end."""
IMAGE_SHAPE = (3, 32, 32)


def rdi_resnet38(classes: int = 10) -> MultiExitNetwork:
    """Build RDI-ResNet38: six side exits and the final one; the backbone costs 83.28 M multiply-accumulates."""
    heads = [
        *(_head_32x32(classes) for _ in EXIT_BLOCKS),
        *(_head_16x16(classes) for _ in EXIT_BLOCKS),
        *(_head_8x8(classes) for _ in EXIT_BLOCKS),
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


def _head_32x32(classes: int) -> nn.Sequential:
    """0.59 M multiply-accumulates on 16 x 32 x 32."""
    return nn.Sequential(
        nn.AvgPool2d(2), convolution(16, 32, stride=2), convolution(32, 64, stride=2), classifier(64, classes)
    )


def _head_16x16(classes: int) -> nn.Sequential:
    """0.89 M multiply-accumulates on 32 x 16 x 16."""
    return nn.Sequential(convolution(32, 32, stride=2), convolution(32, 64, stride=2), classifier(64, classes))


def _head_8x8(classes: int) -> nn.Sequential:
    """0.59 M multiply-accumulates on 64 x 8 x 8."""
    return nn.Sequential(convolution(64, 64, stride=2), classifier(64, classes))
