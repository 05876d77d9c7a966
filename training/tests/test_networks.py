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


@pytest.mark.parametrize("name", ["smallcnn", "resnet38", "mobilenetv2"])
def test_baseline_computes_what_the_final_exit_does(name: str) -> None:
    torch.manual_seed(1)
    multi_exit, baseline = (build_network(network, classes=10).eval() for network in (f"rdi-{name}", name))
    weights = [*multi_exit.stages.state_dict().values(), *multi_exit.heads[-1].state_dict().values()]
    baseline.load_state_dict(dict(zip(baseline.state_dict(), weights, strict=True)))
    images = torch.rand(4, *multi_exit.image_shape)
    (logits,) = baseline(images)
    assert torch.equal(logits, multi_exit(images)[-1])
    assert baseline.image_shape == multi_exit.image_shape


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_built_channels_last(name: str) -> None:
    weights = [parameter for parameter in build_network(name, classes=10).parameters() if parameter.dim() == 4]
    assert weights
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
