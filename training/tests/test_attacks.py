"""Every attack stays in its ball, raises what it climbs, and the stronger of two is not the weaker."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rdi_training.attacks import objectives
from rdi_training.attacks.apgd import apgd, period_ends
from rdi_training.attacks.ball import project, random_start
from rdi_training.attacks.fgsm import fgsm
from rdi_training.attacks.max_average import most_harmful
from rdi_training.attacks.objectives import Objective
from rdi_training.attacks.pgd import pgd
from rdi_training.data.stripes import draw_stripes
from rdi_training.dynamic import Gate, all_logits, at_exit
from rdi_training.networks.multi_exit import MultiExitNetwork

EPSILON = 0.1
GATES = [Gate("entropy", (0.6, 0.8)), Gate("max-softmax", (0.8, 0.7)), Gate("margin", (0.7, 0.5))]
OBJECTIVES: dict[str, Objective] = {
    "main": objectives.main_branch(),
    "single exit": objectives.single_exit(0),
    "average": objectives.average(),
    "dlr": objectives.difference_of_logits_ratio(),
    "uniform": objectives.towards_uniform(),
    **{f"gate-aware loss, {gate.policy}": objectives.gate_aware_loss(gate) for gate in GATES},
    **{f"gate-aware margin, {gate.policy}": objectives.gate_aware_margin(gate) for gate in GATES},
    **{f"staying, {gate.policy}": objectives.staying(gate) for gate in GATES},
    "gate-aware, exit 0 off": objectives.gate_aware_loss(Gate("entropy", (None, 0.8))),
}


@pytest.fixture
def images() -> Tensor:
    return draw_stripes(64, seed=2).images.float() / 255


@pytest.fixture
def labels() -> Tensor:
    return draw_stripes(64, seed=2).labels


def value(network: MultiExitNetwork, images: Tensor, labels: Tensor, objective: Objective) -> float:
    return objective(all_logits(network, images), labels).mean().item()


def test_projection_is_into_ball_and_range() -> None:
    images = torch.tensor([0.0, 0.5, 1.0])
    assert torch.allclose(project(torch.tensor([-1.0, 0.9, 0.95]), images, 0.1), torch.tensor([0.0, 0.6, 0.95]))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_pgd_raises_every_objective_within_the_ball(
    name: str, network: MultiExitNetwork, images: Tensor, labels: Tensor
) -> None:
    objective = OBJECTIVES[name]
    adversarial = pgd(network, images, labels, objective, epsilon=EPSILON, step=EPSILON / 4, steps=10)
    assert (adversarial - images).abs().max() <= EPSILON + 1e-6
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    assert value(network, adversarial, labels, objective) > value(network, images, labels, objective)


def test_attacks_leave_the_network_as_it_was(network: MultiExitNetwork, images: Tensor, labels: Tensor) -> None:
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pgd(network, images, labels, objectives.main_branch(), epsilon=EPSILON, step=EPSILON, steps=2)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in network.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_more_search_is_stronger(network: MultiExitNetwork, images: Tensor, labels: Tensor) -> None:
    objective = objectives.main_branch()

    def after(attack: Callable[[], Tensor]) -> float:
        return value(network, attack(), labels, objective)

    single = after(lambda: fgsm(network, images, labels, objective, epsilon=EPSILON))
    many = after(lambda: pgd(network, images, labels, objective, epsilon=EPSILON, step=EPSILON / 8, steps=30))
    automatic = after(
        lambda: apgd(
            network,
            images,
            labels,
            objective,
            epsilon=EPSILON,
            steps=30,
            generator=torch.Generator().manual_seed(0),
        )
    )
    assert value(network, images, labels, objective) < single <= many + 1e-3
    assert automatic >= many - 0.01


def test_a_wider_ball_is_worse(network: MultiExitNetwork, images: Tensor, labels: Tensor) -> None:
    objective = objectives.main_branch()
    losses = [
        value(
            network,
            pgd(network, images, labels, objective, epsilon=epsilon, step=epsilon / 4, steps=10),
            labels,
            objective,
        )
        for epsilon in (0.02, 0.05, 0.1, 0.2)
    ]
    assert losses == sorted(losses)


def test_max_average_takes_the_most_harmful_chain(network: MultiExitNetwork, images: Tensor, labels: Tensor) -> None:
    chains = [
        pgd(network, images, labels, objectives.single_exit(index), epsilon=EPSILON, step=0.02, steps=5)
        for index in range(3)
    ]
    summed = [objectives.exit_losses(all_logits(network, chain), labels).sum(0) for chain in chains]
    chosen = objectives.exit_losses(all_logits(network, most_harmful(network, chains, labels)), labels).sum(0)
    assert torch.allclose(chosen, torch.stack(summed).amax(0), atol=1e-5)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.policy)
def test_gate_aware_fools_the_dynamic_network_at_least_as_often_as_the_main_branch_attack(
    network: MultiExitNetwork, images: Tensor, labels: Tensor, gate: Gate
) -> None:
    def fooled(objective: Objective) -> int:
        adversarial = pgd(network, images, labels, objective, epsilon=0.15, step=0.03, steps=20)
        logits = all_logits(network, adversarial)
        return int(at_exit(logits.argmax(-1), gate.exits_taken(logits)).ne(labels).sum())

    assert fooled(objectives.gate_aware_margin(gate)) >= fooled(objectives.main_branch())


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.policy)
def test_slowdown_sends_images_further(network: MultiExitNetwork, images: Tensor, labels: Tensor, gate: Gate) -> None:
    def depth(version: Tensor) -> float:
        return gate.exits_taken(all_logits(network, version)).float().mean().item()

    for objective in (objectives.towards_uniform(), objectives.staying(gate)):
        slowed = pgd(network, images, labels, objective, epsilon=EPSILON, step=0.02, steps=20)
        assert depth(slowed) > depth(images)


def test_random_start_is_reproducible(images: Tensor) -> None:
    first, second = (random_start(images, EPSILON, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


def test_apgd_judges_progress_when_the_paper_does() -> None:
    assert sorted(period_ends(100)) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_margin_and_dlr_by_hand() -> None:
    logits = torch.tensor([[[4.0, 1.0, 3.0]]])
    labels = torch.tensor([0])
    assert objectives.margins(logits, labels).item() == pytest.approx(-1)
    assert objectives.difference_of_logits_ratio()(logits, labels).item() == pytest.approx(-1 / 3)
