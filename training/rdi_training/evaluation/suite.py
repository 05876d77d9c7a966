"""Every attack of the honest table on one set of images, recorded image by image."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
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
    towards_uniform,
)
from ..attacks.pgd import pgd
from ..cost import NetworkCost, network_cost
from ..data.image_set import ImageSet, as_pixels
from ..dynamic import Thresholds, all_logits, at_exit, exits_taken, normalised_entropy
from .subject import Subject
from .threat import Threat

PAPER_ATTACKS = ("main", "average", "max-average")
UNION_ATTACKS = (*PAPER_ATTACKS, "gate-aware loss", "gate-aware margin", "apgd-ce", "apgd-dlr")
LONG_STEPS = 100
WIDE_EPSILON = 32 / 255
BATCH = 250


@dataclass(frozen=True)
class Record:
    """What the dynamic network and each exit made of one version of the images; tensors on the CPU."""

    right: Tensor
    """Dynamic answers, bool [N]."""
    exit_right: Tensor
    """Every exit's own answers, bool [E, N]."""
    taken: Tensor
    """Exit taken, [N]."""
    executed_macs: float
    """Mean per image."""


def run_suite(subject: Subject, images: ImageSet, threat: Threat, *, seed: int, masking: bool) -> dict[str, Record]:
    """Attack in batches; records by attack name, "clean" first. `masking` adds the checks for masked gradients.

    "own exit k" is PGD on exit k's loss; the last of these is the "main" attack.
    """
    generator = torch.Generator(images.images.device).manual_seed(seed)
    versions: dict[str, list[Tensor]] = {}
    parts = list(zip(images.images.split(BATCH), images.labels.split(BATCH), strict=True))
    for raw, labels in tqdm(parts, desc=subject.name):
        clean = as_pixels(raw)
        for name, version in _versions(subject, clean, labels, threat, generator, masking):
            versions.setdefault(name, []).append(version)
    return {name: record(subject, torch.cat(batches), images.labels) for name, batches in versions.items()}


def record(subject: Subject, images: Tensor, labels: Tensor) -> Record:
    """Let every image leave where it will."""
    logits = all_logits(subject.network, images).cpu()
    return decide(logits, labels.cpu(), subject.thresholds, network_cost(subject.network))


def record_profiles(subject: Subject, images: ImageSet) -> dict[str, Record]:
    """Every profile on clean images."""
    logits = all_logits(subject.network, images.images).cpu()
    cost = network_cost(subject.network)
    return {
        name: decide(logits, images.labels.cpu(), thresholds, cost) for name, thresholds in subject.profiles.items()
    }


def decide(logits: Tensor, labels: Tensor, thresholds: Thresholds, cost: NetworkCost) -> Record:
    """What becomes of images with these logits [E, N, C]."""
    taken = exits_taken(normalised_entropy(logits[:-1]), thresholds)
    exit_right = logits.argmax(-1).eq(labels)
    executed = torch.tensor(cost.executed([threshold is not None for threshold in thresholds]), dtype=torch.float64)
    return Record(
        right=at_exit(exit_right, taken),
        exit_right=exit_right,
        taken=taken,
        executed_macs=executed[taken].mean().item(),
    )


def _versions(
    subject: Subject,
    clean: Tensor,
    labels: Tensor,
    threat: Threat,
    generator: torch.Generator,
    masking: bool,
) -> Iterator[tuple[str, Tensor]]:
    network, exits = subject.network, subject.network.exit_count

    def climb(objective: Objective, threat: Threat = threat, steps: int = threat.steps) -> Tensor:
        start = random_start(clean, threat.epsilon, generator)
        return pgd(
            network, clean, labels, objective, epsilon=threat.epsilon, step=threat.step, steps=steps, start=start
        )

    yield "clean", clean
    own = [climb(single_exit(index)) for index in range(exits)]
    for index, version in enumerate(own):
        yield f"own exit {index}", version
    yield "main", own[-1]
    yield "average", climb(average())
    yield "max-average", most_harmful(network, own, labels)
    yield "gate-aware loss", climb(gate_aware_loss(subject.thresholds))
    yield "gate-aware margin", climb(gate_aware_margin(subject.thresholds))
    automatic: dict[str, Callable[[], Objective]] = {
        "apgd-ce": main_branch,
        "apgd-dlr": difference_of_logits_ratio,
    }
    for name, objective in automatic.items():
        yield (
            name,
            apgd(
                network,
                clean,
                labels,
                objective(),
                epsilon=threat.epsilon,
                steps=threat.steps,
                generator=generator,
            ),
        )
    if exits > 1:
        yield "slowdown", climb(towards_uniform())
    if masking:
        yield "fgsm", fgsm(network, clean, labels, main_branch(), epsilon=threat.epsilon)
        yield "pgd-100", climb(main_branch(), steps=LONG_STEPS)
        wide = Threat(epsilon=max(WIDE_EPSILON, 2 * threat.epsilon), step=threat.step * 2, steps=threat.steps)
        yield "wide ball", climb(main_branch(), threat=wide)


def union(records: dict[str, Record]) -> Tensor:
    """Images that survive every attack, bool [N]."""
    return torch.stack([records[name].right for name in UNION_ATTACKS]).all(0)
