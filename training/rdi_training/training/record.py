"""What one run did, as checkpoints and packages keep it."""

from dataclasses import dataclass
from typing import Any

from ..data.image_set import ImageSet
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
    held_out: str | None = None
    """Fingerprint of the images that the run held out; None in records from before it was kept."""

    @classmethod
    def of_run(cls, config: TrainingConfig, position: Position, held_out: str | None) -> "TrainingRecord":
        """Of a run that stands there."""
        return cls(config, position.epoch, round(position.seconds), position.extra_steps, held_out)

    def check_held_out(self, images: ImageSet) -> None:
        """A ValueError unless these are, as far as is known, the images that the run held out."""
        if self.held_out not in (None, images.fingerprint()):
            raise ValueError(
                f"{self.config.name} held out other images of {self.config.dataset} than these: "
                "files were added, or it is another copy of the data, in another order"
            )

    def to_json(self) -> dict[str, Any]:
        """As JSON values; from_json reads them back."""
        return {
            "config": self.config.to_json(),
            "epochs": self.epochs,
            "seconds": self.seconds,
            "extra_steps": self.extra_steps,
            "held_out": self.held_out,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainingRecord":
        """Other fields are left alone; a configuration that is not a whole one is a ValueError."""
        config = TrainingConfig.from_json(values["config"])
        return cls(config, values["epochs"], values["seconds"], values.get("extra_steps", 0), values.get("held_out"))
