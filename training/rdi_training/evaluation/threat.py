"""The attacks' budgets: those of Triple Wins where it has one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Threat:
    """An L-infinity ball and how PGD searches it; units of [0, 1]."""

    epsilon: float
    step: float
    steps: int


THREATS = {
    "cifar10": Threat(epsilon=8 / 255, step=2 / 255, steps=20),
    "stripes": Threat(epsilon=0.1, step=0.02, steps=10),
    "mnist": Threat(epsilon=0.3, step=0.01, steps=40),
}


def threat_for(dataset: str, epsilon: float | None) -> Threat:
    """The data set's budget; a radius of one's own is searched by 20 steps of a quarter of it.

    A data set without a budget needs a radius: ValueError.
    """
    if epsilon is not None:
        return Threat(epsilon=epsilon, step=epsilon / 4, steps=20)
    if dataset not in THREATS:
        raise ValueError(f"no budget is known for {dataset!r}; give --epsilon")
    return THREATS[dataset]
