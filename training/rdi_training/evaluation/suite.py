"""Every attack of the honest table on one set of images, recorded image by image."""

from collections.abc import Iterator

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
    towards_uniform,
)
from ..attacks.pgd import pgd
from ..data.image_set import ImageSet, as_pixels
from .records import Record, record
from .subject import Subject
from .threat import Threat

PAPER_ATTACKS = ("main", "average", "max-average")
UNION_ATTACKS = (*PAPER_ATTACKS, "gate-aware loss", "gate-aware margin", "apgd-ce", "apgd-dlr")
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
    generator = torch.Generator(images.images.device).manual_seed(seed)
    versions: dict[str, list[Tensor]] = {}
    parts = list(zip(images.images.split(BATCH), images.labels.split(BATCH), strict=True))
    for raw, labels in tqdm(parts, desc=subject.name):
        clean = as_pixels(raw)
        for name, version in _versions(subject, clean, labels, threat, generator, masking, transfer_from):
            versions.setdefault(name, []).append(version)
    return {name: record(subject, torch.cat(batches), images.labels) for name, batches in versions.items()}


def _versions(
    subject: Subject,
    clean: Tensor,
    labels: Tensor,
    threat: Threat,
    generator: torch.Generator,
    masking: bool,
    transfer_from: nn.Module | None,
) -> Iterator[tuple[str, Tensor]]:
    network, exits = subject.network, subject.network.exit_count

    def climb(
        objective: Objective, threat: Threat = threat, steps: int = threat.steps, network: nn.Module = network
    ) -> Tensor:
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
    automatic = {"apgd-ce": main_branch(), "apgd-dlr": difference_of_logits_ratio()}
    for name, objective in automatic.items():
        found = apgd(network, clean, labels, objective, epsilon=threat.epsilon, steps=threat.steps, generator=generator)
        yield name, found
    if exits > 1:
        yield "slowdown", climb(towards_uniform())
    if masking:
        yield "fgsm", fgsm(network, clean, labels, main_branch(), epsilon=threat.epsilon)
        yield "pgd-100", climb(main_branch(), steps=LONG_STEPS)
        wide = Threat(epsilon=max(WIDE_EPSILON, 2 * threat.epsilon), step=threat.step * 2, steps=threat.steps)
        yield "wide ball", climb(main_branch(), threat=wide)
        if transfer_from is not None:
            yield "transfer", climb(main_branch(), network=transfer_from)


def union(records: dict[str, Record]) -> Tensor:
    """Images that survive every attack, bool [N]."""
    return torch.stack([records[name].right for name in UNION_ATTACKS]).all(0)
