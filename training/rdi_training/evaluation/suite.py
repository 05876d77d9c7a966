"""Every attack of the honest table on one set of images, recorded image by image."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..attacks.apgd import apgd
from ..attacks.ball import random_start
from ..attacks.fgsm import fgsm
from ..attacks.max_average import most_harmful
from ..attacks.objectives import (
    Objective,
    average,
    difference_of_logits_ratio,
    gate_aware_loss,
    gate_aware_margin,
    main_branch,
    single_exit,
    staying,
    towards_uniform,
)
from ..attacks.pgd import pgd
from ..data.image_set import ImageSet, as_pixels
from ..dynamic import Gate
from .records import Record, record
from .subject import Subject
from .threat import Threat

PAPER_ATTACKS = ("main", "average", "max-average")
GATE_AWARE: dict[str, Callable[[Gate], Objective]] = {
    "gate-aware loss": gate_aware_loss,
    "gate-aware margin": gate_aware_margin,
}
UNION_ATTACKS = (*PAPER_ATTACKS, *GATE_AWARE, "apgd-ce", "apgd-dlr")
SLOWDOWN = ("slowdown, uniform", "slowdown, gate-aware")
LONG_STEPS = 100
WIDE_EPSILON = 32 / 255
BATCH = 250


def run_suite(
    subject: Subject,
    images: ImageSet,
    threat: Threat,
    *,
    seed: int,
    masking: bool,
    transfer_from: nn.Module | None = None,
) -> dict[str, Record]:
    """Attack in batches; records by attack name, "clean" first. `masking` adds the checks for masked gradients.

    "own exit k" is PGD on exit k's loss; the last of these is the "main" attack. "transfer" is the main attack on
    another network, shown to this one.
    """

    def versions(climb: Climb) -> Iterator[tuple[str, Tensor]]:
        yield "clean", climb.clean
        yield from _exits_attacked(climb)
        yield from _gate_aware(climb)
        yield from _automatic(climb)
        if subject.network.exit_count > 1:
            yield from _slowed(climb)
        if masking:
            yield from _masking_checks(climb, transfer_from)

    return _recorded(subject, images, threat, seed, versions)


def attack_profiles(
    subject: Subject, images: ImageSet, threat: Threat, *, seed: int, done: dict[str, Record]
) -> dict[str, Tensor]:
    """Images that survive both gate-aware attacks, bool [N], for every profile, each aimed at its own gate.

    `done` is run_suite's for the subject's own profile. An attacker knows the label and may try both forms.
    """
    attacked = {subject.gate: done}
    for name, gate in subject.profiles.items():
        if gate not in attacked:
            other = dataclasses.replace(subject, profile=name)
            attacked[gate] = _recorded(other, images, threat, seed, _gate_aware)
    return {name: surviving(attacked[gate], GATE_AWARE) for name, gate in subject.profiles.items()}


def surviving(records: dict[str, Record], attacks: Iterable[str]) -> Tensor:
    """Images that are answered rightly under each of the attacks, bool [N]."""
    return torch.stack([records[name].right for name in attacks]).all(0)


@dataclass(frozen=True)
class Climb:
    """A batch of images, and PGD on it from a random start."""

    subject: Subject
    clean: Tensor
    labels: Tensor
    threat: Threat
    generator: torch.Generator

    def __call__(
        self,
        objective: Objective,
        *,
        threat: Threat | None = None,
        steps: int | None = None,
        network: nn.Module | None = None,
    ) -> Tensor:
        """The images, perturbed; what is not given is the subject's network and the batch's threat."""
        threat = threat or self.threat
        return pgd(
            network or self.subject.network,
            self.clean,
            self.labels,
            objective,
            epsilon=threat.epsilon,
            step=threat.step,
            steps=steps or threat.steps,
            start=random_start(self.clean, threat.epsilon, self.generator),
        )


def _recorded(
    subject: Subject,
    images: ImageSet,
    threat: Threat,
    seed: int,
    versions: Callable[[Climb], Iterator[tuple[str, Tensor]]],
) -> dict[str, Record]:
    """What becomes of all versions of the images, made batch by batch."""
    generator = torch.Generator(images.images.device).manual_seed(seed)
    made: dict[str, list[Tensor]] = {}
    parts = list(zip(images.images.split(BATCH), images.labels.split(BATCH), strict=True))
    for raw, labels in tqdm(parts, desc=subject.name):
        for name, version in versions(Climb(subject, as_pixels(raw), labels, threat, generator)):
            made.setdefault(name, []).append(version)
    return {name: record(subject, torch.cat(batches), images.labels) for name, batches in made.items()}


def _exits_attacked(climb: Climb) -> Iterator[tuple[str, Tensor]]:
    """The paper's attacks, and those on each exit that they are made of."""
    network = climb.subject.network
    own = [climb(single_exit(index)) for index in range(network.exit_count)]
    for index, version in enumerate(own):
        yield f"own exit {index}", version
    yield "main", own[-1]
    yield "average", climb(average())
    yield "max-average", most_harmful(network, own, climb.labels)


def _gate_aware(climb: Climb) -> Iterator[tuple[str, Tensor]]:
    for name, objective in GATE_AWARE.items():
        yield name, climb(objective(climb.subject.gate))


def _automatic(climb: Climb) -> Iterator[tuple[str, Tensor]]:
    """AutoAttack's APGD on the final exit."""
    for name, objective in {"apgd-ce": main_branch(), "apgd-dlr": difference_of_logits_ratio()}.items():
        found = apgd(
            climb.subject.network,
            climb.clean,
            climb.labels,
            objective,
            epsilon=climb.threat.epsilon,
            steps=climb.threat.steps,
            generator=climb.generator,
        )
        yield name, found


def _slowed(climb: Climb) -> Iterator[tuple[str, Tensor]]:
    for name, objective in zip(SLOWDOWN, (towards_uniform(), staying(climb.subject.gate)), strict=True):
        yield name, climb(objective)


def _masking_checks(climb: Climb, transfer_from: nn.Module | None) -> Iterator[tuple[str, Tensor]]:
    """Weaker and stronger attacks on the final exit, for what honest gradients must show."""
    threat = climb.threat
    wide = Threat(epsilon=max(WIDE_EPSILON, 2 * threat.epsilon), step=threat.step * 2, steps=threat.steps)
    yield "fgsm", fgsm(climb.subject.network, climb.clean, climb.labels, main_branch(), epsilon=threat.epsilon)
    yield "pgd-100", climb(main_branch(), steps=LONG_STEPS)
    yield "wide ball", climb(main_branch(), threat=wide)
    if transfer_from is not None:
        yield "transfer", climb(main_branch(), network=transfer_from)
