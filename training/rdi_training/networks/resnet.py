"""ResNet 6n+2 for 32 x 32 images (He et al., CVPR 2016, section 4.2): blocks and groups."""

import torch.nn.functional as functional
from torch import Tensor, nn

WIDTHS = (16, 32, 64)
"""Channels of the three groups; the second and the third halve the resolution."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = (
            nn.Identity()
            if stride == 1 and channels_in == channels
            else nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        )

    def forward(self, features: Tensor) -> Tensor:
        """[N, channels_in, H, W] to [N, channels, H / stride, W / stride]."""
        residual = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(features)))))
        return functional.relu(residual + self.downsample(features))


def block_chain(blocks_per_group: int) -> list[BasicBlock]:
    """All blocks of the three groups, in order."""
    blocks = []
    channels_in = WIDTHS[0]
    for group, channels in enumerate(WIDTHS):
        for index in range(blocks_per_group):
            blocks.append(BasicBlock(channels_in, channels, stride=2 if group > 0 and index == 0 else 1))
            channels_in = channels
    return blocks
