"""The decision rule, and profiles that keep what they promise on the images that chose them."""

import itertools
import math

import pytest
import torch

from rdi_training.cost import NetworkCost
from rdi_training.dynamic import at_exit, exits_taken, normalised_entropy
from rdi_training.export.profiles import ALLOWED_LOSS, choose_profiles
from rdi_training.export.thresholds import RecordedExits, cheapest

COST = NetworkCost(stages=(10, 40, 50), heads=(4, 3, 1), stage_convolutions=(10, 40, 50), head_convolutions=(4, 3, 0))


def recorded(seed: int = 0, images: int = 1000) -> RecordedExits:
    """Exits that know more the deeper they stand, and whose sureness says something."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(5, (images,), generator=generator)
    ease = torch.rand(images, generator=generator)
    logits = torch.randn(3, images, 5, generator=generator)
    for depth in range(3):
        logits[depth, torch.arange(images), labels] += (2 + 3 * depth) * ease + depth
    return RecordedExits(logits, labels, COST)


def test_entropy_is_zero_when_sure_and_one_when_not() -> None:
    scores = normalised_entropy(torch.tensor([[50.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert scores.tolist() == pytest.approx([0, 1], abs=1e-6)
    half = normalised_entropy(torch.tensor([0.0, 0.0, -100.0, -100.0]))
    assert half.item() == pytest.approx(math.log(2) / math.log(4), abs=1e-6)


def test_first_active_exit_below_its_threshold_is_taken() -> None:
    scores = torch.tensor([[0.1, 0.5, 0.9, 0.3], [0.1, 0.1, 0.9, 0.5]])
    assert exits_taken(scores, [0.3, 0.5]).tolist() == [0, 1, 2, 2]
    assert exits_taken(scores, [None, 0.5]).tolist() == [1, 1, 2, 2]
    assert exits_taken(scores, [None, None]).tolist() == [2, 2, 2, 2]
    assert exits_taken(scores[:0], []).tolist() == [0, 0, 0, 0]


def test_at_exit_picks_per_image() -> None:
    assert at_exit(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 0])).tolist() == [3, 2]


def test_all_off_costs_the_backbone_and_loses_nothing() -> None:
    outcome = recorded().try_thresholds([None, None])
    assert outcome.executed_macs == COST.full == 101
    assert outcome.accuracy_loss == 0
    assert outcome.agreement == 1


def test_inactive_heads_are_not_paid_for() -> None:
    outcome = recorded().try_thresholds([None, 1.1])
    assert outcome.executed_macs == 10 + 40 + 3
    assert outcome.exit_shares == [0, 1, 0]


@pytest.mark.parametrize("allowed", [0.0, 0.002, 0.02, 0.2])
def test_cheapest_keeps_the_allowance_and_beats_a_grid(allowed: float) -> None:
    exits = recorded()
    found = exits.try_thresholds(cheapest(exits, allowed))
    assert found.accuracy_loss <= allowed + 1e-6
    grid = [None, *torch.linspace(0.1, 1.0, 10).tolist()]
    outcomes = [exits.try_thresholds(pair) for pair in itertools.product(grid, grid)]
    best = min(outcome.executed_macs for outcome in outcomes if outcome.accuracy_loss <= allowed)
    assert found.executed_macs <= best * 1.05


def test_profiles_are_ordered_by_cost_and_say_where_they_come_from() -> None:
    calibration = choose_profiles(recorded(), images=1000)
    assert calibration["formatVersion"] == 1
    assert calibration["defaultProfile"] in calibration["profiles"]
    assert "full" not in calibration["profiles"]
    sources = {name: profile["source"] for name, profile in calibration["profiles"].items()}
    assert sources["fast"]["executedMacs"] <= sources["balanced"]["executedMacs"]
    assert sources["balanced"]["executedMacs"] <= sources["accurate"]["executedMacs"]
    for name, source in sources.items():
        assert source["finalExitAccuracy"] - source["accuracy"] <= ALLOWED_LOSS[name] + 1e-4
        assert (source["n"], source["data"]) == (1000, "held-out training images")
