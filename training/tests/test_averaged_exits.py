"""Exits that answer with a moving average."""

import pytest
import torch

from rdi_training.cost import network_cost
from rdi_training.networks.averaged_exits import AveragedExits
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.registry import build_network
from rdi_training.networks.tiny import rdi_tiny


@pytest.mark.parametrize("first", [1, 2])
def test_exits_average_what_heads_say(network: MultiExitNetwork, first: int) -> None:
    images = torch.rand(5, *network.image_shape)
    said = network(images)
    expected = said[:first]
    for logits in said[first:]:
        expected.append(2 / 3 * logits + 1 / 3 * expected[-1])
    answered = AveragedExits(network, said[0].shape[1], first)(images)
    torch.testing.assert_close(answered, expected)


@pytest.mark.parametrize("classes", [3, 9, 10, 100])
def test_any_number_of_classes_crosses(classes: int) -> None:
    network = AveragedExits(rdi_tiny(classes=classes), classes, first=1)
    features, logits = torch.rand(2, 4, 3, 3), torch.rand(2, classes)
    unpacked = network._unpack(network._pack(features, logits))
    assert all(torch.equal(given, back) for given, back in zip((features, logits), unpacked, strict=True))


def test_an_image_is_answered_alike_in_any_batch(network: MultiExitNetwork) -> None:
    averaged = AveragedExits(network, 3, first=1).eval()
    images = torch.rand(4, *network.image_shape)
    alone = averaged(images[2:3])
    torch.testing.assert_close([logits[2:3] for logits in averaged(images)], alone)


def test_heads_that_later_exits_need_are_part_of_the_backbone() -> None:
    plain, averaged = (network_cost(build_network(name, 10)) for name in ("rdi-resnet38", "rdi-resnet38-averaged"))
    assert averaged.heads == (*plain.heads[:2], 0, 0, 0, 0, 0)
    assert averaged.full == plain.full + sum(plain.heads[2:-1])
    assert averaged.executed() == plain.executed()
    assert averaged.executed([True] * 2 + [False] * 4)[-1] == plain.executed()[-1]


def test_weights_are_those_of_the_plain_network() -> None:
    torch.manual_seed(1)
    plain, averaged = (build_network(name, 10) for name in ("rdi-mobilenetv2", "rdi-mobilenetv2-averaged"))
    averaged.load_state_dict(plain.state_dict())


@pytest.mark.parametrize("first", [0, 3])
def test_the_first_averaged_exit_has_one_before_it(network: MultiExitNetwork, first: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 2"):
        AveragedExits(network, 3, first)
