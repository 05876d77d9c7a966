"""Learning rate over a run."""

import math

from .config import TrainingConfig


def learning_rate(config: TrainingConfig, progress: float) -> float:
    """The rate after `progress` epochs: linear warm-up to the peak, then half a cosine down to zero."""
    if progress < config.warm_up_epochs:
        return config.peak_learning_rate * progress / config.warm_up_epochs
    share = (progress - config.warm_up_epochs) / (config.epochs - config.warm_up_epochs)
    return config.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
