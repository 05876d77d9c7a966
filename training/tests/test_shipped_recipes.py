"""Whoever wants to train a shipped model anew finds its configurations, unchanged."""

from pathlib import Path

import pytest

from rdi_training.training.config import TrainingConfig
from rdi_training.training.finished import read_learned

TRAINING = Path(__file__).parent.parent
CONFIGS = [TrainingConfig.read(path) for path in (TRAINING / "configs").rglob("*.json")]
SHIPPED = [*(TRAINING / "baselines").iterdir(), *(TRAINING.parent / "models").glob("*/*")]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_every_run_behind_shipped_weights_has_its_configuration_here(folder: Path) -> None:
    runs = read_learned(folder).runs
    assert runs
    assert [run.config.name for run in runs if run.config not in CONFIGS] == []
