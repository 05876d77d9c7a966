"""A run may start with the weights of another one, of an exported folder or of a package."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rdi_training.export.package import DESCRIPTION, WEIGHTS
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.training.config import TrainingConfig
from rdi_training.training.finished import read_learned
from rdi_training.training.record import TrainingRecord
from rdi_training.training.run_folder import open_run
from rdi_training.training.state import TrainingState
from rdi_training.training.trainer import CHECKPOINT

CPU = torch.device("cpu")


def start(config: TrainingConfig, folder: Path, start_from: Path | None = None) -> TrainingState:
    """The state that a run of `config` begins or goes on with."""
    config = dataclasses.replace(config, start_from=None if start_from is None else str(start_from))
    return open_run(config, folder, folder, CPU)[0]


def export(network: MultiExitNetwork, config: TrainingConfig, folder: Path, held_out: str | None = None) -> None:
    """What `start_from` reads of an exported folder."""
    save_file(network.state_dict(), folder / WEIGHTS)
    record = TrainingRecord(config, epochs=2, seconds=5, held_out=held_out).to_json()
    (folder / DESCRIPTION).write_text(json.dumps({"provenance": {"training": record}}))


def same(state: TrainingState, weights: dict[str, torch.Tensor]) -> bool:
    """Whether the network and its average both have these weights."""
    return all(
        torch.equal(values[name], weight)
        for values in (state.network.state_dict(), state.average.state_dict())
        for name, weight in weights.items()
    )


def test_it_starts_with_the_average_of_a_run(config: TrainingConfig, tmp_path: Path) -> None:
    first = start(config, tmp_path / "first")
    for weight in first.average.parameters():
        weight += 1
    first.save(tmp_path / "first" / CHECKPOINT)
    second = start(config, tmp_path / "second", tmp_path / "first")
    assert same(second, first.average.state_dict())
    assert not same(start(config, tmp_path / "third"), first.average.state_dict())


def test_it_starts_with_what_was_exported(config: TrainingConfig, network: MultiExitNetwork, tmp_path: Path) -> None:
    export(network, config, tmp_path)
    assert same(start(config, tmp_path / "run", tmp_path), network.state_dict())


def test_its_own_checkpoint_comes_first(config: TrainingConfig, network: MultiExitNetwork, tmp_path: Path) -> None:
    export(network, config, tmp_path)
    state = start(config, tmp_path / "run", tmp_path)
    for weight in state.average.parameters():
        weight += 1
    state.save(tmp_path / "run" / CHECKPOINT)
    resumed = start(config, tmp_path / "run", tmp_path)
    assert not same(resumed, network.state_dict())
    assert torch.equal(next(resumed.average.parameters()), next(state.average.parameters()))


def test_it_remembers_all_runs_before_it(config: TrainingConfig, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for before, folder in zip([None, *folders], folders, strict=False):
        state = start(config, folder, before)
        state.position.epoch = 2
        state.save(folder / CHECKPOINT)
    runs = read_learned(folders[-1]).runs
    assert [record.config.start_from for record in runs] == [None, str(folders[0]), str(folders[1])]
    assert {record.epochs for record in runs} == {2}
    # Going on with a run keeps its memory, even where what it started with is gone.
    shutil.rmtree(folders[1])
    assert start(config, folders[2], folders[1]).earlier == [record.to_json() for record in runs[:-1]]


@pytest.mark.parametrize("other", [{"seed": 4}, {"held_out": 32}])
def test_weights_that_saw_held_out_images_are_refused(
    other: dict[str, int], config: TrainingConfig, network: MultiExitNetwork, tmp_path: Path
) -> None:
    export(network, config, tmp_path)
    with pytest.raises(ValueError, match="set seed to 3 and held_out to 64"):
        start(dataclasses.replace(config, **other), tmp_path / "run", tmp_path)


def test_other_images_than_those_that_were_held_out_are_refused(
    config: TrainingConfig, network: MultiExitNetwork, tmp_path: Path
) -> None:
    state = start(config, tmp_path / "run")
    state.save(tmp_path / "run" / CHECKPOINT)
    same_images = read_learned(tmp_path / "run").runs[-1].held_out
    export(network, config, tmp_path, same_images)
    assert len(start(config, tmp_path / "second", tmp_path).earlier) == 1
    export(network, config, tmp_path, "0" * 64)
    with pytest.raises(ValueError, match="tiny held out other images of stripes than these"):
        start(config, tmp_path / "third", tmp_path)
    saved = torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)
    torch.save(saved | {"held_out": "0" * 64}, tmp_path / "run" / CHECKPOINT)
    with pytest.raises(ValueError, match="held out other images"):
        start(config, tmp_path / "run")
    with pytest.raises(ValueError, match="held out other images"):
        read_learned(tmp_path / "run").split(tmp_path)


def test_nothing_to_start_from_is_an_error(config: TrainingConfig, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        start(config, tmp_path / "run", tmp_path / "nowhere")
