"""Costs against hand counts and the published table."""

import pytest

from rdi_training.cost import MIB, network_cost
from rdi_training.networks.registry import build_network
from rdi_training.networks.tiny import rdi_tiny


def test_rdi_tiny_by_hand() -> None:
    cost = network_cost(rdi_tiny())
    stages = (8 * 9 * 144, 16 * 8 * 9 * 36, 16 * 16 * 9 * 9)
    heads = (72 * 3, 144 * 3, 16 * 3)
    assert (cost.stages, cost.heads) == (stages, heads)
    assert cost.full == sum(stages) + heads[2]
    assert cost.executed([False, True]) == [
        stages[0],
        stages[0] + stages[1] + heads[1],
        sum(stages) + heads[1] + heads[2],
    ]
    assert cost.published() == [stages[0], stages[0] + stages[1], sum(stages)]


def test_authors_network_costs_what_was_published() -> None:
    cost = network_cost(build_network("rdi-resnet38-authors", classes=10))
    published = [16.79, 30.29, 36.54, 50.04, 61.42, 74.92, 79.42]
    executed = [16.80, 37.67, 51.30, 65.92, 78.42, 91.92, 96.42]
    assert [macs / MIB for macs in cost.published()] == pytest.approx(published, abs=0.01)
    assert [macs / MIB for macs in cost.executed()] == pytest.approx(executed, abs=0.01)


@pytest.mark.parametrize("name", ["rdi-smallcnn", "rdi-resnet38", "rdi-mobilenetv2"])
def test_own_heads_cost_at_most_a_twentieth(name: str) -> None:
    cost = network_cost(build_network(name, classes=10))
    assert sum(cost.heads[:-1]) <= 0.05 * cost.full


@pytest.mark.parametrize("name", ["smallcnn", "resnet38", "mobilenetv2"])
def test_backbone_is_the_single_exit_network(name: str) -> None:
    dynamic, baseline = (network_cost(build_network(network, classes=10)) for network in (f"rdi-{name}", name))
    assert dynamic.full == baseline.full
