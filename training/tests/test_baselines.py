"""The comparison with a baseline is fair only if both networks were trained alike."""

import dataclasses
from pathlib import Path

import pytest

from rdi_training.training.config import TrainingConfig
from rdi_training.training.finished import Learned, read_learned

TRAINING = Path(__file__).parent.parent
BASELINES = {"resnet38-single": "rdi-resnet38"}


def recipe(config: TrainingConfig) -> TrainingConfig:
    return dataclasses.replace(config, name="", network="", start_from=None)


def shipped(name: str) -> Learned:
    return read_learned(max((TRAINING.parent / "models" / name).iterdir(), key=lambda folder: int(folder.name)))


def test_every_baseline_is_compared() -> None:
    assert {folder.name for folder in (TRAINING / "baselines").iterdir()} == set(BASELINES)


@pytest.mark.parametrize("name", BASELINES)
def test_baseline_was_trained_as_the_shipped_network(name: str) -> None:
    baseline, multi_exit = read_learned(TRAINING / "baselines" / name), shipped(BASELINES[name])
    assert [recipe(run.config) for run in baseline.runs] == [recipe(run.config) for run in multi_exit.runs]
    assert [run.epochs for run in baseline.runs] == [run.epochs for run in multi_exit.runs]
    assert baseline.network(classes=10).exit_count == 1
