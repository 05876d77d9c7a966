"""The attacks' budgets of Triple Wins, per data set."""

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
