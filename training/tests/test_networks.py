"""How networks and their layers compute what they compute."""

import pytest
import torch

from rdi_training.networks.mobilenetv2 import DepthwiseConvolution
from rdi_training.networks.registry import NETWORKS, build_network


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolution_in_bf16_is_the_fp32_one(stride: int, side: int) -> None:
    torch.manual_seed(1)
    layer = DepthwiseConvolution(16, stride)
    images = torch.randn(4, 16, side, side)
    weighting = torch.randn(layer(images).shape)

    def gradients(features: torch.Tensor) -> list[torch.Tensor]:
        features = features.requires_grad_()
        (layer.to(features.dtype)(features) * weighting.to(features.dtype)).sum().backward()
        found = [features.grad.float(), layer.weight.grad.float()]
        layer.weight.grad = None
        return found

    exact = gradients(images.clone())
    for rounded, expected in zip(gradients(images.bfloat16()), exact, strict=True):
        assert (rounded - expected).norm() < 0.01 * expected.norm()


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_built_channels_last(name: str) -> None:
    weights = [parameter for parameter in build_network(name, classes=10).parameters() if parameter.dim() == 4]
    assert weights
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
