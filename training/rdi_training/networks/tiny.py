"""A network for trying the whole chain in seconds: three exits, batch norm, 1 x 12 x 12 images."""

from torch import nn

from .layers import classifier, convolution, initialise
from .multi_exit import MultiExitNetwork


def rdi_tiny(classes: int = 3) -> MultiExitNetwork:
    """Build it; no claim is made for it."""
    stages = [convolution(1, 8), convolution(8, 16, stride=2), convolution(16, 16, stride=2)]
    heads = [
        nn.Sequential(nn.MaxPool2d(4), nn.Flatten(1), nn.Linear(8 * 3 * 3, classes)),
        nn.Sequential(nn.MaxPool2d(2), nn.Flatten(1), nn.Linear(16 * 3 * 3, classes)),
        classifier(16, classes),
    ]
    network = MultiExitNetwork(stages, heads, image_shape=(1, 12, 12))
    initialise(network)
    return network
