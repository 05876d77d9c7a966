"""What a dynamic network makes of images, image by image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..cost import NetworkCost, network_cost
from ..data.image_set import ImageSet
from ..dynamic import Gate, all_logits, at_exit
from .subject import Subject


@dataclass(frozen=True)
class Record:
    """What the dynamic network and each exit made of one version of the images; tensors on the CPU."""

    right: Tensor
    """Dynamic answers, bool [N]."""
    agrees: Tensor
    """Dynamic answers that are the final exit's, bool [N]."""
    exit_right: Tensor
    """Every exit's own answers, bool [E, N]."""
    taken: Tensor
    """Exit taken, [N]."""
    executed_macs: float
    """Mean per image."""


def record(subject: Subject, images: Tensor, labels: Tensor) -> Record:
    """Let every image leave where it will."""
    logits = all_logits(subject.network, images).cpu()
    return decide(logits, labels.cpu(), subject.gate, network_cost(subject.network))


def record_profiles(subject: Subject, images: ImageSet) -> dict[str, Record]:
    """Every profile on clean images."""
    logits = all_logits(subject.network, images.images).cpu()
    cost = network_cost(subject.network)
    return {name: decide(logits, images.labels.cpu(), gate, cost) for name, gate in subject.profiles.items()}


def decide(logits: Tensor, labels: Tensor, gate: Gate, cost: NetworkCost) -> Record:
    """What becomes of images with these logits [E, N, C]."""
    taken = gate.exits_taken(logits)
    answers = logits.argmax(-1)
    exit_right = answers.eq(labels)
    executed = torch.tensor(cost.executed(gate.active), dtype=torch.float64)
    return Record(
        right=at_exit(exit_right, taken),
        agrees=at_exit(answers, taken).eq(answers[-1]),
        exit_right=exit_right,
        taken=taken,
        executed_macs=executed[taken].mean().item(),
    )
