"""A training run's configuration: one JSON file, checked field by field."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Phase:
    """How images are shown and attacked for some epochs."""

    epochs: int
    steps: int
    """PGD steps per batch."""
    step_over_epsilon: float
    """Size of one step as a share of epsilon."""
    epsilon_from: float
    """Radius at the start of the phase, units of [0, 1]; it moves linearly to epsilon_to."""
    epsilon_to: float
    side: int | None = None
    """Images are scaled to this height and width, which saves time early on; None: they are not."""

    @property
    def attacks(self) -> bool:
        """Whether copies climb the loss; without steps they are noise, without an epsilon there are none."""
        return self.steps > 0 and self.epsilon_to > 0


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a run computes; together with the data it fixes the weights."""

    name: str
    network: str
    dataset: str
    seed: int
    held_out: int
    """Training images never trained on: they choose thresholds and watch for collapse."""
    batch_size: int
    """Clean images per step; each also enters once as its adversarial copy."""
    optimiser: str
    """"adam", or "sgd" (Nesterov momentum 0.9)."""
    peak_learning_rate: float
    warm_up_epochs: float
    """Linear warm-up; a cosine to zero follows."""
    weight_decay: float
    ema_decay: float
    augment: bool
    """Random crop with 4 pixels of padding, and horizontal flip."""
    carry_perturbations: bool
    """Start crafting where the image's last perturbation ended (needs augment = false)."""
    final_exit_weight: float
    """Weight of the final exit's loss; the last side exit weighs 1."""
    distillation: float
    """Weight of KL(neighbouring exits' clean prediction, adversarial prediction)."""
    precision: str
    """"fp32", "bf16", or "auto": bf16 where the hardware computes it natively."""
    phases: tuple[Phase, ...]
    first_exit_weight: float = 1.0
    """Weight of the first exit's loss; those of the side exits behind it rise evenly to 1."""
    final_attack_share: float = 0.0
    """Share of the copies that attack the final exit; of the others, half attack the average, half one exit."""
    adversarial_share: float = 0.5
    """Share of the copies' cross-entropy in the loss, the rest is clean images': robustness for clean accuracy."""
    start_from: str | None = None
    """Run, exported folder or package whose weights the run starts with; None: random ones."""

    def __post_init__(self) -> None:
        if self.optimiser not in ("adam", "sgd"):
            raise ValueError(f"optimiser is adam or sgd, not {self.optimiser!r}")
        if self.precision not in ("fp32", "bf16", "auto"):
            raise ValueError(f"precision is fp32, bf16 or auto, not {self.precision!r}")
        if not 0 <= self.adversarial_share <= 1:
            raise ValueError(f"adversarial_share is from 0 to 1, not {self.adversarial_share}")
        if self.augment and self.carry_perturbations:
            raise ValueError("carry_perturbations needs augment = false: a moved image has no last perturbation")
        if self.carry_perturbations and any(phase.epsilon_from <= 0 for phase in self.phases):
            raise ValueError("carry_perturbations needs an epsilon above 0 in every phase")
        if not self.phases:
            raise ValueError("a run needs at least one phase")
        if self.phases[-1].side is not None:
            raise ValueError("the last phase needs side = null: it shows the images as they will be served")
        if self.carry_perturbations and any(phase.side is not None for phase in self.phases):
            raise ValueError("carry_perturbations needs side = null: a scaled image has no last perturbation")

    @property
    def epochs(self) -> int:
        """Length of the run."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def final_epsilon(self) -> float:
        """The radius that the run ends with, the one that it promises robustness for."""
        return self.phases[-1].epsilon_to

    def phase_at(self, progress: float) -> tuple[Phase, float]:
        """The phase and its epsilon after `progress` epochs (fractions count)."""
        begin = 0
        for phase in self.phases:
            if progress < begin + phase.epochs:
                share = (progress - begin) / phase.epochs
                return phase, phase.epsilon_from + share * (phase.epsilon_to - phase.epsilon_from)
            begin += phase.epochs
        return self.phases[-1], self.final_epsilon

    def to_json(self) -> dict[str, Any]:
        """The configuration as JSON values; from_json reads it back."""
        return dataclasses.asdict(self) | {"phases": [dataclasses.asdict(phase) for phase in self.phases]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Check and freeze; a missing or an unknown field is a ValueError that names it."""
        _check_fields(cls, values)
        phases = []
        for phase in values["phases"]:
            _check_fields(Phase, phase)
            phases.append(Phase(**phase))
        return cls(**(values | {"phases": tuple(phases)}))

    @classmethod
    def read(cls, path: Path) -> "TrainingConfig":
        """Read a configuration file."""
        return cls.from_json(json.loads(path.read_text()))


def _check_fields(cls: type, values: dict[str, Any]) -> None:
    fields = dataclasses.fields(cls)
    required = {field.name for field in fields if field.default is dataclasses.MISSING}
    if missing := required - values.keys():
        raise ValueError(f"{cls.__name__}: missing {', '.join(sorted(missing))}")
    if unknown := values.keys() - {field.name for field in fields}:
        raise ValueError(f"{cls.__name__}: unknown {', '.join(sorted(unknown))}")
