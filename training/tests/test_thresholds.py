"""The decision rule, and profiles that keep what they promise on the images that chose them."""

import itertools
import math

import pytest
import torch

from rdi_training.cost import NetworkCost
from rdi_training.dynamic import SCORES, Gate, always_full, at_exit, first_leaving, normalised_entropy
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


def test_every_policy_scores_a_softmax() -> None:
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    entropy = -sum(share * math.log(share) for share in (0.5, 0.3, 0.2)) / math.log(3)
    scores = {policy: score(logits).item() for policy, score in SCORES.items()}
    assert scores == pytest.approx({"entropy": entropy, "max-softmax": 0.5, "margin": 0.2}, abs=1e-6)


def test_first_exit_that_lets_an_image_leave_is_taken() -> None:
    leaves = torch.tensor([[True, False, False], [True, True, False]])
    assert first_leaving(leaves).tolist() == [0, 1, 2]
    assert first_leaving(leaves[:0]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("policy", SCORES)
def test_images_leave_at_the_first_active_exit_that_is_sure_enough(policy: str) -> None:
    sure, unsure = torch.tensor([6.0, 0.0, 0.0]), torch.tensor([0.5, 0.0, 0.0])
    logits = torch.stack([torch.stack(pair) for pair in ((sure, unsure), (sure, sure), (unsure, unsure))])
    between = SCORES[policy](torch.stack([sure, unsure])).mean().item()
    assert Gate(policy, (between, between)).exits_taken(logits).tolist() == [0, 1]
    assert Gate(policy, (None, between)).exits_taken(logits).tolist() == [1, 1]
    assert Gate(policy, (between, None)).exits_taken(logits).tolist() == [0, 2]
    assert always_full(2).exits_taken(logits).tolist() == [2, 2]
    assert always_full(0).exits_taken(logits[:1]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="1 thresholds for 2 side exits"):
        Gate(policy, (between,)).exits_taken(logits)


@pytest.mark.parametrize("policy", SCORES)
def test_a_score_at_the_threshold_leaves_unless_it_is_an_entropy(policy: str) -> None:
    even = torch.zeros(2, 1, 4)
    score = SCORES[policy](even[0]).item()
    assert Gate(policy, (score,)).exits_taken(even).tolist() == [1 if policy == "entropy" else 0]


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
