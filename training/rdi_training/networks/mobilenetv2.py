"""RDI-MobileNetV2 for CIFAR-10 (Triple Wins, section 4.1), and its single-exit baseline.

The backbone is MobileNetV2 (Sandler et al., CVPR 2018). For 32 x 32 images its first convolution and its second group
have stride 1. Counting the first convolution as layer 1, side exits stand after layers 2, 5, 8, 10, 13 and 16 of 19.
"""

import itertools

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .layers import classifier, initialise, strided_head
from .multi_exit import MultiExitNetwork

GROUPS = (
    # expansion, channels, blocks, stride of the first block
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
FIRST_CHANNELS, LAST_CHANNELS = 32, 1280
EXIT_LAYERS = (2, 5, 8, 10, 13, 16)
IMAGE_SHAPE = (3, 32, 32)


class DepthwiseConvolution(nn.Conv2d):
    """3 x 3 convolution of each channel on its own."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, channels, 3, stride, padding=1, groups=channels, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """[N, channels, H, W] to [N, channels, H / stride, W / stride].

        Where a CPU wants a bf16 gradient, the outputs that the stride leaves out are computed and dropped: oneDNN takes
        ten to forty times as long for the gradient of a strided depthwise convolution as for that of a plain one.
        """
        stride = self.stride[0]
        slow = features.requires_grad and features.dtype == torch.bfloat16 and features.device.type == "cpu"
        if stride == 1 or not slow:
            return super().forward(features)
        plain = functional.conv2d(features, self.weight, padding=1, groups=self.groups)
        return plain[:, :, ::stride, ::stride]


class InvertedResidual(nn.Module):
    """Expand (1 x 1), filter (3 x 3 per channel), project (1 x 1); a shortcut where the resolution stays.

    Where only the number of channels changes, the shortcut is a 1 x 1 convolution, as in RDI-Nets.
    """

    def __init__(self, channels_in: int, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = expansion * channels_in
        self.conv1 = nn.Conv2d(channels_in, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = DepthwiseConvolution(wide, stride)
        self.bn2 = nn.BatchNorm2d(wide)
        self.conv3 = nn.Conv2d(wide, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.has_shortcut = stride == 1
        self.shortcut = (
            nn.Sequential(nn.Conv2d(channels_in, channels, 1, bias=False), nn.BatchNorm2d(channels))
            if self.has_shortcut and channels_in != channels
            else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        """[N, channels_in, H, W] to [N, channels, H / stride, W / stride]."""
        residual = functional.relu(self.bn1(self.conv1(features)))
        residual = functional.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        return residual + self.shortcut(features) if self.has_shortcut else residual


def rdi_mobilenetv2(classes: int = 10) -> MultiExitNetwork:
    """Build RDI-MobileNetV2: six side exits and the final one.

    The backbone costs 91.15 M multiply-accumulates, the side heads together 4.3 % of that.
    """
    heads = [
        strided_head(16, 32, 64, classes=classes, pool_first=True),  # after layer 2: 16 x 32 x 32
        strided_head(32, 32, 64, classes=classes),  # after layer 5: 32 x 16 x 16
        strided_head(64, 64, classes=classes),  # after layer 8: 64 x 8 x 8
        strided_head(64, 64, classes=classes),  # after layer 10: 64 x 8 x 8
        strided_head(96, 64, classes=classes),  # after layer 13: 96 x 8 x 8
        strided_head(160, 64, classes=classes),  # after layer 16: 160 x 4 x 4
        classifier(LAST_CHANNELS, classes),
    ]
    network = MultiExitNetwork(_stages(), heads, IMAGE_SHAPE)
    initialise(network)
    return network


def mobilenetv2(classes: int = 10) -> MultiExitNetwork:
    """The plain MobileNetV2: one stage, one exit. Trained alike, it is the defended baseline."""
    network = MultiExitNetwork([nn.Sequential(*_layers())], [classifier(LAST_CHANNELS, classes)], IMAGE_SHAPE)
    initialise(network)
    return network


def _stages() -> list[nn.Sequential]:
    """The layers, cut after each that has a side exit."""
    layers = _layers()
    bounds = [0, *EXIT_LAYERS, len(layers)]
    return [nn.Sequential(*layers[begin:end]) for begin, end in itertools.pairwise(bounds)]


def _layers() -> list[nn.Module]:
    """The 19 layers of the backbone, in order."""
    layers: list[nn.Module] = [_outer_convolution(3, FIRST_CHANNELS, kernel=3)]
    channels_in = FIRST_CHANNELS
    for expansion, channels, blocks, first_stride in GROUPS:
        for index in range(blocks):
            stride = first_stride if index == 0 else 1
            layers.append(InvertedResidual(channels_in, channels, expansion, stride))
            channels_in = channels
    layers.append(_outer_convolution(channels_in, LAST_CHANNELS, kernel=1))
    return layers


def _outer_convolution(channels_in: int, channels: int, kernel: int) -> nn.Sequential:
    """The convolutions outside the blocks: convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
