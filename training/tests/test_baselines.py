"""The comparison with a baseline is fair only if both networks were trained alike."""

import dataclasses
from pathlib import Path

import pytest

from rdi_training.training.config import TrainingConfig
from rdi_training.training.finished import Learned, read_learned

TRAINING = Path(__file__).parent.parent
BASELINES = {
    "mnist-smallcnn-single": "mnist-smallcnn",
    "mobilenetv2-single": "rdi-mobilenetv2",
    "resnet38-single": "rdi-resnet38",
}
CONFIGS = set((TRAINING / "configs").rglob("*.json"))
BASELINE_CONFIGS = sorted(path for path in CONFIGS if path.stem in BASELINES)


def compared(path: Path) -> Path:
    """The configuration of the network that this baseline is compared with."""
    return path.with_stem(BASELINES[path.stem])


def recipe(config: TrainingConfig) -> TrainingConfig:
    return dataclasses.replace(config, name="", network="", start_from=None)


def shipped(name: str) -> Learned:
    return read_learned(max((TRAINING.parent / "models" / name).iterdir(), key=lambda folder: int(folder.name)))


def test_networks_and_baselines_are_configured_side_by_side() -> None:
    assert {compared(path) for path in BASELINE_CONFIGS} == CONFIGS - set(BASELINE_CONFIGS)


@pytest.mark.parametrize("path", BASELINE_CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_baseline_is_configured_as_its_network(path: Path) -> None:
    baseline, multi_exit = TrainingConfig.read(path), TrainingConfig.read(compared(path))
    assert recipe(baseline) == recipe(multi_exit)
    averaged = "-averaged" if path.parent.name == "averaged" else ""
    assert (baseline.name, f"rdi-{baseline.network}{averaged}") == (path.stem, multi_exit.network)
    # It goes on from the baseline's own run.
    assert baseline.start_from == (multi_exit.start_from and str(Path(multi_exit.start_from).with_name(path.stem)))


@pytest.mark.parametrize("folder", sorted((TRAINING / "baselines").iterdir()), ids=lambda folder: folder.name)
def test_baseline_was_trained_as_the_shipped_network(folder: Path) -> None:
    baseline, multi_exit = read_learned(folder), shipped(BASELINES[folder.name])
    assert [recipe(run.config) for run in baseline.runs] == [recipe(run.config) for run in multi_exit.runs]
    assert [run.epochs for run in baseline.runs] == [run.epochs for run in multi_exit.runs]
    assert baseline.network(classes=10).exit_count == 1
