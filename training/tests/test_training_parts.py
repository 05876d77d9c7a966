"""Loss, schedule, averaging, augmentation, guard and configuration, each by itself."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from rdi_training.data.image_set import ImageSet
from rdi_training.networks.layers import classifier
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.tiny import rdi_tiny
from rdi_training.training.augment import crop_and_flip, scaled
from rdi_training.training.batch_norm import recompute_statistics
from rdi_training.training.config import Phase, TrainingConfig
from rdi_training.training.crafting import mixed_weights, starting_points, to_carry
from rdi_training.training.finished import refresh_statistics
from rdi_training.training.guard import Vitals, collapse
from rdi_training.training.learning import learn_attacked
from rdi_training.training.loss import neighbour_divergence, training_loss
from rdi_training.training.moving_average import averaged_copy, update_average
from rdi_training.training.schedule import learning_rate

CONFIGS = sorted((Path(__file__).parent.parent / "configs").rglob("*.json"))


def test_loss_by_hand() -> None:
    labels = torch.tensor([0])
    clean = torch.tensor([[[2.0, 0.0]], [[0.0, 0.0]]])
    attacked = torch.tensor([[[0.0, 0.0]], [[0.0, 2.0]]])
    sure, unsure, wrong = math.log1p(math.exp(-2)), math.log(2), math.log1p(math.exp(2))
    expected = ((sure + unsure) / 2 + 1.5 * (unsure + wrong) / 2) / 2.5
    loss = training_loss(clean, attacked, labels, final_weight=1.5, distillation=0.0)
    assert loss.item() == pytest.approx(expected, rel=1e-6)

    expected = ((0.2 * sure + 0.8 * unsure) + 1.5 * (0.2 * unsure + 0.8 * wrong)) / 2.5
    loss = training_loss(clean, attacked, labels, final_weight=1.5, distillation=0.0, adversarial_share=0.8)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_side_exits_weigh_more_the_later_they_stand() -> None:
    labels = torch.tensor([0])
    logits = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[2.0, 0.0]], [[3.0, 0.0]]])
    losses = [math.log1p(math.exp(-sureness)) for sureness in range(4)]
    expected = sum(weight * loss for weight, loss in zip((0.4, 0.7, 1, 2), losses, strict=True)) / 4.1
    loss = training_loss(logits, logits, labels, first_weight=0.4, final_weight=2, distillation=0)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_divergence_is_zero_where_attack_changes_nothing_of_the_neighbours_view() -> None:
    logits = torch.randn(1, 4, 5).expand(3, 4, 5)
    assert neighbour_divergence(logits, logits).abs().max() < 1e-6
    assert neighbour_divergence(logits, -logits).min() > 0
    assert neighbour_divergence(logits[:1], logits[:1]).abs().max() < 1e-6


def test_rate_warms_up_and_ends_at_zero(config: TrainingConfig) -> None:
    rates = [learning_rate(config, progress) for progress in (0, 0.25, 0.5, 1.25, 2)]
    assert rates == pytest.approx([0, 0.025, 0.05, 0.025, 0])


def test_phases_follow_each_other_and_epsilon_moves_within_them(config: TrainingConfig) -> None:
    phases = (Phase(2, 2, 0.5, 0.1, 0.3), Phase(1, 7, 0.2, 0.3, 0.3))
    config = dataclasses.replace(config, phases=phases)
    assert config.epochs == 3
    assert config.phase_at(1.0) == (phases[0], pytest.approx(0.2))
    assert config.phase_at(2.5) == (phases[1], pytest.approx(0.3))
    assert config.phase_at(3.0) == (phases[1], 0.3)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_configurations_are_valid(path: Path) -> None:
    config = TrainingConfig.read(path)
    assert config.name == path.stem
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_a_wrong_field_is_named(config: TrainingConfig) -> None:
    values = config.to_json()
    with pytest.raises(ValueError, match="unknown momentum"):
        TrainingConfig.from_json(values | {"momentum": 1})
    values.pop("seed")
    with pytest.raises(ValueError, match="missing seed"):
        TrainingConfig.from_json(values)
    with pytest.raises(ValueError, match="augment = false"):
        dataclasses.replace(config, augment=True)


def test_the_copies_share_of_the_loss_is_a_share(config: TrainingConfig) -> None:
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match="adversarial_share is from 0 to 1"):
            dataclasses.replace(config, adversarial_share=share)


def test_a_step_learns_from_the_copies_as_much_as_configured(config: TrainingConfig) -> None:
    """Its sums are the loss and the halves that it is made of."""
    config = dataclasses.replace(config, distillation=0.0, final_exit_weight=1.0, adversarial_share=0.8)
    images, labels = torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(1)), torch.arange(4) % 2
    network = rdi_tiny()
    sums, _ = learn_attacked(
        network,
        images,
        labels,
        images,
        torch.full((network.exit_count, 4), 1 / network.exit_count),
        torch.tensor(0.3),
        torch.tensor(0.1),
        steps=2,
        evaluating=True,
        config=config,
        precision="fp32",
    )
    loss, clean, adversarial = sums.tolist()
    assert adversarial > clean
    assert loss == pytest.approx(0.2 * clean + 0.8 * adversarial, rel=1e-5)


def test_small_images_come_only_before_the_last_phase(config: TrainingConfig) -> None:
    small, whole = Phase(1, 2, 0.5, 0.1, 0.1, side=6), Phase(1, 2, 0.5, 0.1, 0.1)
    with pytest.raises(ValueError, match="last phase"):
        dataclasses.replace(config, carry_perturbations=False, phases=(whole, small))
    with pytest.raises(ValueError, match="carry_perturbations"):
        dataclasses.replace(config, phases=(small, whole))
    values = dataclasses.replace(config, carry_perturbations=False, phases=(small, whole)).to_json()
    del values["phases"][1]["side"]
    assert TrainingConfig.from_json(values).phases == (small, whole)


def test_average_follows_slowly_once_warm() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = averaged_copy(network)
    start = average.weight.item()
    with torch.no_grad():
        network.weight += 1
    update_average(average, network, decay=0.99, updates=10**6)
    assert average.weight.item() == pytest.approx(start + 0.01, abs=1e-5)


def test_statistics_are_those_of_the_batches() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2))
    batches = [torch.randn(50, 2, 3, 3) + 4 for _ in range(3)]
    recompute_statistics(network, batches)
    assert torch.allclose(network[0].running_mean, torch.cat(batches).mean((0, 2, 3)), atol=1e-5)
    assert network[0].momentum == 0.1
    assert not network.training


def test_refreshed_statistics_are_those_of_images_as_training_showed_them(config: TrainingConfig) -> None:
    network = MultiExitNetwork([nn.BatchNorm2d(3)], [classifier(3, 2)], (3, 32, 32))
    white = ImageSet(torch.full((64, 3, 32, 32), 255, dtype=torch.uint8), torch.zeros(64, dtype=torch.long), ("a", "b"))

    def mean(augment: bool) -> float:
        refresh_statistics(network, dataclasses.replace(config, augment=augment, carry_perturbations=False), white)
        return network.stages[0].running_mean.mean().item()

    # Crops bring in black borders of 2.2 pixels on average; an attack takes at most epsilon, from half of the images.
    darkened = config.final_epsilon / 2
    kept = (1 - 20 / 9 / 32) ** 2
    assert 1 - darkened <= mean(augment=False) <= 1
    assert kept - darkened - 0.05 <= mean(augment=True) <= kept + 0.05


def test_crop_and_flip_moves_pixels_and_repeats() -> None:
    images = torch.rand(40, 3, 8, 8) + 0.1
    first, second = (crop_and_flip(images, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == images.shape
    # Every value comes from its own image and channel, or is the padding.
    for image, moved in zip(images.flatten(2), first.flatten(2), strict=True):
        for channel, moved_channel in zip(image, moved, strict=True):
            assert torch.isin(moved_channel[moved_channel > 0], channel).all()
    unmoved = [torch.equal(a, b) or torch.equal(a.flip(-1), b) for a, b in zip(images, first, strict=True)]
    assert sum(unmoved) < 10


def test_scaling_keeps_means_and_range() -> None:
    images = torch.rand(5, 3, 12, 12)
    small = scaled(images, 6)
    assert small.shape == (5, 3, 6, 6)
    assert 0 <= small.min() <= small.max() <= 1
    assert torch.allclose(small.mean((2, 3)), images.mean((2, 3)), atol=0.03)
    assert scaled(images, None) is images


def test_half_of_the_images_attack_the_average() -> None:
    weights = mixed_weights(4, 1000, 0.0, torch.Generator().manual_seed(0))
    assert torch.allclose(weights.sum(0), torch.ones(1000))
    averaged = (weights == 0.25).all(0).float().mean()
    assert averaged.item() == pytest.approx(0.5, abs=0.05)
    assert (weights.amax(0) == 1).float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_a_share_of_the_images_attacks_the_final_exit() -> None:
    weights = mixed_weights(4, 1000, 0.4, torch.Generator().manual_seed(0))
    assert torch.allclose(weights.sum(0), torch.ones(1000))
    assert (weights == 0.25).all(0).float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert (weights == 1).float().mean(1).tolist() == pytest.approx([0.075, 0.075, 0.075, 0.475], abs=0.05)


def test_carried_perturbations_come_back_scaled_to_the_ball() -> None:
    images = torch.full((200, 1, 2, 2), 0.5)
    carried = to_carry(images, images + 0.1, epsilon=0.1)
    starts = starting_points(images, 0.2, carried, torch.Generator().manual_seed(0))
    continued = (starts - 0.7).abs().flatten(1).amax(1) < 1e-6
    assert continued.float().mean().item() == pytest.approx(0.8, abs=0.08)
    assert (starts - images).abs().max() <= 0.2 + 1e-6


@pytest.mark.parametrize(
    ("gain", "robust", "images", "reason"),
    [
        (0.3, 0.5, 2000, None),
        (0.0, 0.5, 2000, "no longer raises"),
        (0.3, 0.38, 2000, "fell"),
        (0.3, 0.41, 2000, None),
        (0.3, 0.25, 30, None),
        (0.3, 0.05, 30, "fell"),
    ],
)
def test_guard(gain: float, robust: float, images: int, reason: str | None) -> None:
    vitals = Vitals(gain=gain, robust_accuracy=robust, clean_accuracy=[0.9], images=images)
    verdict = collapse(vitals, 0.5)
    assert verdict is None if reason is None else reason in str(verdict)
