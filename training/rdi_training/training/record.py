"""What one run did, as checkpoints and packages keep it."""

from dataclasses import dataclass
from typing import Any

from .config import TrainingConfig
from .state import Position


@dataclass(frozen=True)
class TrainingRecord:
    """A run's recipe and how far it went."""

    config: TrainingConfig
    epochs: int
    seconds: int
    """Computing time, repeated epochs included."""
    extra_steps: int = 0
    """PGD steps that the guard added to the configured ones."""

    @classmethod
    def of_run(cls, config: TrainingConfig, position: Position) -> "TrainingRecord":
        """Of a run that stands there."""
        return cls(config, position.epoch, round(position.seconds), position.extra_steps)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; from_json reads them back."""
        return {
            "config": self.config.to_json(),
            "epochs": self.epochs,
            "seconds": self.seconds,
            "extra_steps": self.extra_steps,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainingRecord":
        """Other fields are left alone; a configuration that is not a whole one is a ValueError."""
        config = TrainingConfig.from_json(values["config"])
        return cls(config, values["epochs"], values["seconds"], values.get("extra_steps", 0))
