"""Profiles from held-out images: the cheapest thresholds that cost no more accuracy than allowed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..cost import NetworkCost
from ..dynamic import at_exit, first_leaving, normalised_entropy

Thresholds = Sequence[float | None]
"""On the normalised entropy, one per side exit; None: off."""
CANDIDATES = 32
"""Threshold values tried per exit: quantiles of its scores, so that each step moves equally many images."""
PRICES = [10.0**exponent for exponent in torch.linspace(-1, 4, 11).tolist()]
"""What a point of accuracy is worth, in shares of the full cost, over the search."""
ROUNDING = 1e-6
"""Slack for comparing accuracies that are fp32 means."""


@dataclass(frozen=True)
class Outcome:
    """What a threshold vector does to a set of images."""

    accuracy: float
    accuracy_loss: float
    """Final exit's accuracy minus this one's; negative where leaving early helps."""
    agreement: float
    """Share of images answered as the final exit would."""
    executed_macs: float
    """Mean per image."""
    exit_shares: list[float]


class RecordedExits:
    """Scores and verdicts of every exit on a set of images, so that thresholds can be tried without the network."""

    def __init__(self, logits: Tensor, labels: Tensor, cost: NetworkCost) -> None:
        """Logits [E, N, C] and labels [N]."""
        self.cost = cost
        self.scores = normalised_entropy(logits[:-1])
        self._predicted = logits.argmax(-1)
        self._correct = self._predicted.eq(labels).float()
        self._agrees = self._predicted.eq(self._predicted[-1]).float()

    def try_thresholds(self, thresholds: Thresholds) -> Outcome:
        """Send every image out at its exit and see."""
        limits = torch.tensor([-math.inf if threshold is None else threshold for threshold in thresholds])
        taken = first_leaving(self.scores < limits.unsqueeze(-1))
        shares = torch.bincount(taken, minlength=len(self._correct)) / len(taken)
        executed = torch.tensor(self.cost.executed([threshold is not None for threshold in thresholds]))
        accuracy = at_exit(self._correct, taken).mean().item()
        return Outcome(
            accuracy=accuracy,
            accuracy_loss=self._correct[-1].mean().item() - accuracy,
            agreement=at_exit(self._agrees, taken).mean().item(),
            executed_macs=(shares.double() @ executed.double()).item(),
            exit_shares=shares.tolist(),
        )


def cheapest(recorded: RecordedExits, allowed_loss: float) -> list[float | None]:
    """The cheapest thresholds found whose accuracy loss is at most `allowed_loss` (0.001 is 0.1 points).

    For rising prices, minimises cost + price * loss from wherever the last price ended; the cheapest vector
    within the allowance is then made cheaper for as long as it stays within.
    """
    choices = [_choices(scores) for scores in recorded.scores]

    def priced(price: float, thresholds: Thresholds) -> float:
        outcome = recorded.try_thresholds(thresholds)
        return outcome.executed_macs / recorded.cost.full + price * outcome.accuracy_loss

    def allowed_cost(thresholds: Thresholds) -> float:
        outcome = recorded.try_thresholds(thresholds)
        return outcome.executed_macs if outcome.accuracy_loss <= allowed_loss + ROUNDING else math.inf

    all_off: list[float | None] = [None] * len(choices)
    found = [all_off]
    for price in PRICES:
        found.append(_descend(partial(priced, price), found[-1], choices))
    return _descend(allowed_cost, min(found, key=allowed_cost), choices)


def _descend(
    value: Callable[[Thresholds], float], start: list[float | None], choices: list[list[float | None]]
) -> list[float | None]:
    """Change one exit at a time to its best choice until nothing lowers the value."""
    thresholds, lowest = start, value(start)
    improved = True
    while improved:
        improved = False
        for index in range(len(thresholds)):
            for choice in choices[index]:
                candidate = [*thresholds[:index], choice, *thresholds[index + 1 :]]
                if (new := value(candidate)) < lowest:
                    thresholds, lowest, improved = candidate, new, True
    return thresholds


def _choices(scores: Tensor) -> list[float | None]:
    quantiles = torch.linspace(0, 1, CANDIDATES + 1, dtype=scores.dtype)[1:]
    values = torch.quantile(scores, quantiles).unique().tolist()
    # Six digits are far finer than the scores' spread, and readable in the file.
    return [None, *(round(value, 6) for value in values if value > 0)]
