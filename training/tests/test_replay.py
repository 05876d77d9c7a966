"""Work recorded as a CUDA graph does what it does unrecorded; compiled layers compute what they computed before."""

import copy
import dataclasses
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend

from rdi_training.networks.layers import classifier
from rdi_training.networks.multi_exit import MultiExitNetwork, stacked_logits
from rdi_training.networks.resnet import BasicBlock
from rdi_training.networks.tiny import rdi_tiny
from rdi_training.training.compiled import compile_layers
from rdi_training.training.config import TrainingConfig
from rdi_training.training.learning import learn_attacked
from rdi_training.training.replay import Replayed


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("evaluating", [True, False])
def test_replayed_gradients_and_statistics_are_those_of_the_same_inputs(
    evaluating: bool, config: TrainingConfig
) -> None:
    config = dataclasses.replace(config, carry_perturbations=False)
    recorded = rdi_tiny().cuda()
    plain = copy.deepcopy(recorded)
    work = partial(learn_attacked, config=config, precision="fp32", steps=2, evaluating=evaluating)
    replayed = Replayed(work)
    for seed in range(3):
        inputs = batch(seed, exits=recorded.exit_count)
        sums, copies = replayed(recorded, *inputs)
        plain.zero_grad(set_to_none=True)
        expected_sums, expected_copies = work(plain, *inputs)
        torch.testing.assert_close(sums, expected_sums)
        torch.testing.assert_close(copies, expected_copies)
        for one, other in zip(recorded.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)
        for one, other in zip(recorded.buffers(), plain.buffers(), strict=True):
            torch.testing.assert_close(one, other)


def batch(seed: int, exits: int) -> tuple[Tensor, ...]:
    """What learn_attacked takes after the network."""
    generator = torch.Generator("cuda").manual_seed(seed)
    images = torch.rand(16, 1, 12, 12, device="cuda", generator=generator)
    labels = torch.randint(3, (16,), device="cuda", generator=generator)
    weights = torch.full((exits, 16), 1 / exits, device="cuda")
    epsilon, step = (torch.full((), value, device="cuda") for value in (0.05, 0.02))
    return images, labels, images, weights, epsilon, step


# PyTorch's own tracing looks at the gradient of what is passed from layer to layer.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_compiled_layers_compute_the_same_and_share_code() -> None:
    torch.manual_seed(0)
    network = MultiExitNetwork(
        [nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 4)), nn.Sequential(BasicBlock(4, 8, 2), BasicBlock(8, 8))],
        [classifier(4, 3), classifier(8, 3)],
        image_shape=(4, 8, 8),
    ).eval()
    images = torch.rand(5, 4, 8, 8, requires_grad=True)
    expected = stacked_logits(network, images)
    names = list(network.state_dict())
    compilations = CompileCounterWithBackend("aot_eager")
    compile_layers(network, backend=compilations)
    torch.testing.assert_close(stacked_logits(network, images), expected)
    assert compilations.frame_count == 3, "the first two blocks are alike"
    assert list(network.state_dict()) == names
