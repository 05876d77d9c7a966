"""Costs against hand counts and the published table."""

import pytest
from conftest import tiny_network

from rdi_training.cost import MIB, network_cost
from rdi_training.networks.registry import build_network


def test_tiny_network_by_hand() -> None:
    cost = network_cost(tiny_network())
    assert cost.stages == (4 * 9 * 64, 8 * 4 * 9 * 16, 8 * 8 * 9 * 16)
    assert cost.heads == (64 * 3, 128 * 3, 128 * 3)
    assert cost.full == sum(cost.stages) + cost.heads[2]
    assert cost.executed([False, True]) == [2304, 2304 + 4608 + 384, 2304 + 4608 + 384 + 9216 + 384]
    assert cost.published() == [2304, 2304 + 4608, 2304 + 4608 + 9216]


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


def test_backbone_is_the_single_exit_network() -> None:
    assert network_cost(build_network("rdi-resnet38", classes=10)).full == pytest.approx(
        network_cost(build_network("resnet38", classes=10)).full
    )
