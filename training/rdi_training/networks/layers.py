"""Layers that several networks share."""

import itertools

from torch import nn


def convolution(channels_in: int, channels: int, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
    )


def classifier(channels: int, classes: int) -> nn.Sequential:
    """Global average pooling and one linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(channels, classes))


def strided_head(*channels: int, classes: int, pool_first: bool = False) -> nn.Sequential:
    """A cheap head: one stride-2 convolution between each two of `channels`, then the classifier.

    `pool_first` halves the resolution before that, without any multiplication.
    """
    pooling = [nn.AvgPool2d(2)] if pool_first else []
    steps = [convolution(before, after, stride=2) for before, after in itertools.pairwise(channels)]
    return nn.Sequential(*pooling, *steps, classifier(channels[-1], classes))


def initialise(network: nn.Module) -> None:
    """He et al.'s normal initialisation of every convolution, in place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
