"""One adversarial copy per image as a picture holds it, 8 bits a value, for calibrating on. Used by cli/craft.py."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..data.image_set import as_pixels
from ..dynamic import Gate, all_logits, at_exit
from ..networks.multi_exit import MultiExitNetwork
from .ball import random_start, to_bytes
from .max_average import most_harmful
from .objectives import Objective, gate_aware_loss, gate_aware_margin, margins, single_exit
from .pgd import pgd

ATTACKS = ("max-average", "gate-aware-loss", "gate-aware-margin")


def adversarial_copies(
    network: MultiExitNetwork,
    images: Tensor,
    labels: Tensor,
    attacks: Sequence[str],
    gate: Gate | None,
    *,
    epsilon: float,
    step: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Copies, uint8 like `images`, by PGD from one random start; units of epsilon and step: [0, 1].

    Of several attacks, each image gets the copy that comes closest to a wrong answer of the dynamic network. All but
    max-average aim at the decision to leave at `gate`; without it they are a ValueError.
    """
    clean = as_pixels(images)

    def climb(objective: Objective) -> Tensor:
        start = random_start(clean, epsilon, generator)
        return pgd(network, clean, labels, objective, epsilon=epsilon, step=step, steps=steps, start=start)

    def copy(attack: str) -> Tensor:
        if attack == "max-average":
            return most_harmful(network, [climb(single_exit(index)) for index in range(network.exit_count)], labels)
        if gate is None:
            raise ValueError(f"{attack} needs the thresholds that it aims at")
        return climb((gate_aware_loss if attack == "gate-aware-loss" else gate_aware_margin)(gate))

    copies = torch.stack([to_bytes(copy(attack), images, epsilon) for attack in attacks])
    if len(attacks) == 1 or gate is None:
        return copies[0]
    return at_exit(copies, _closeness(network, copies, labels, gate).argmax(0))


def _closeness(network: nn.Module, copies: Tensor, labels: Tensor, gate: Gate) -> Tensor:
    """The margin of the dynamic network's answer, positive where it is wrong: [A, N], on copies [A, N, C, H, W]."""
    logits = [all_logits(network, version) for version in copies]
    return torch.stack([at_exit(margins(exits, labels), gate.exits_taken(exits)) for exits in logits])
