"""A run that was stopped and goes on ends bit for bit where an uninterrupted one does."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rdi_training.data.image_set import hold_out
from rdi_training.data.stripes import draw_stripes
from rdi_training.networks.layers import classifier, convolution
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.tiny import rdi_tiny
from rdi_training.training.config import Phase, TrainingConfig
from rdi_training.training.state import TrainingState
from rdi_training.training.trainer import CHECKPOINT, CollapseError, train


def run(
    config: TrainingConfig,
    folder: Path,
    stop: Callable[[], bool] = lambda: False,
    network: Callable[[], MultiExitNetwork] = rdi_tiny,
) -> tuple[bool, TrainingState, list[dict[str, object]]]:
    """Train in `folder` from its checkpoint, if there is one."""
    torch.manual_seed(config.seed)
    trained, held_out = hold_out(draw_stripes(320, seed=4), config.held_out, config.seed)
    state = TrainingState(config, network(), trained.images, torch.device("cpu"))
    folder.mkdir(exist_ok=True)
    if (folder / CHECKPOINT).exists():
        state.load(folder / CHECKPOINT)
    events: list[dict[str, object]] = []
    finished = train(
        state,
        trained,
        held_out,
        folder,
        log=lambda event, **values: events.append({"event": event} | values),
        stop=stop,
    )
    return finished, state, events


def stop_after(steps: int) -> Callable[[], bool]:
    remaining = iter(range(steps))
    return lambda: next(remaining, steps) >= steps - 1


@pytest.mark.parametrize("steps", [3, 8, 11])
@pytest.mark.parametrize("augment", [False, True])
def test_resumed_equals_uninterrupted(steps: int, augment: bool, config: TrainingConfig, tmp_path: Path) -> None:
    config = dataclasses.replace(config, augment=augment, carry_perturbations=not augment)
    finished, straight, _ = run(config, tmp_path / "straight")
    assert finished
    finished, _, events = run(config, tmp_path / "resumed", stop_after(steps))
    assert not finished
    assert events[-1]["event"] == "stop"
    finished, resumed, _ = run(config, tmp_path / "resumed")
    assert finished
    assert resumed.position.updates == straight.position.updates
    for one, other in ((straight.network, resumed.network), (straight.average, resumed.average)):
        expected = one.state_dict()
        assert all(torch.equal(expected[name], value) for name, value in other.state_dict().items())


def test_a_phase_of_clean_images_comes_before_one_of_attacked_ones(config: TrainingConfig, tmp_path: Path) -> None:
    clean, attacked = Phase(1, 0, 0, 0, 0), Phase(1, 2, 0.5, 0.05, 0.05)
    config = dataclasses.replace(config, carry_perturbations=False, phases=(clean, attacked))
    finished, state, events = run(config, tmp_path / "straight")
    assert finished
    assert [event["gain"] > 0 for event in events if event["event"] == "epoch"] == [False, True]
    assert state.position.updates == 2 * (256 // config.batch_size)


@pytest.mark.parametrize("first", [Phase(1, 0, 0.5, 0.05, 0.05), Phase(1, 2, 0.5, 0, 0)], ids=["noise", "no radius"])
def test_a_phase_without_an_attack_is_not_judged_by_the_guard(
    first: Phase, config: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rdi_training.training.trainer.collapse", lambda _vitals, _previous: "made up")
    config = dataclasses.replace(config, carry_perturbations=False, phases=(first, Phase(1, 2, 0.5, 0.05, 0.05)))
    with pytest.raises(CollapseError, match="epoch 1 collapsed"):
        run(config, tmp_path)


def any_size() -> MultiExitNetwork:
    """The tiny network with heads that pool whatever size the features have."""
    stages = [convolution(1, 8), convolution(8, 16, stride=2)]
    return MultiExitNetwork(stages, [classifier(8, 3), classifier(16, 3)], (1, 12, 12))


@pytest.mark.parametrize("steps", [3, 11])
def test_resumed_equals_uninterrupted_where_images_are_small_at_first(
    steps: int, config: TrainingConfig, tmp_path: Path
) -> None:
    whole = dataclasses.replace(config.phases[0], epochs=1)
    phases = (dataclasses.replace(whole, side=8), whole)
    config = dataclasses.replace(config, augment=True, carry_perturbations=False, phases=phases)
    seen: list[int] = []

    def watched() -> MultiExitNetwork:
        network = any_size()
        network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].shape[-1]))
        return network

    _, straight, _ = run(config, tmp_path / "straight", network=watched)
    assert seen == sorted(seen)
    assert set(seen) == {8, 12}
    run(config, tmp_path / "resumed", stop_after(steps), network=any_size)
    _, resumed, _ = run(config, tmp_path / "resumed", network=any_size)
    expected = straight.average.state_dict()
    assert all(torch.equal(expected[name], value) for name, value in resumed.average.state_dict().items())


def test_another_configuration_does_not_resume(config: TrainingConfig, tmp_path: Path) -> None:
    run(config, tmp_path, stop_after(2))
    with pytest.raises(ValueError, match="another configuration"):
        run(dataclasses.replace(config, seed=9), tmp_path)


def test_a_run_may_move_to_another_device(config: TrainingConfig, tmp_path: Path) -> None:
    run(config, tmp_path, stop_after(3))
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    torch.save(saved | {"device": "cuda", "draws": torch.zeros(16, dtype=torch.uint8)}, tmp_path / CHECKPOINT)
    finished, moved, _ = run(config, tmp_path)
    assert finished
    assert moved.position.epoch == config.epochs


def test_the_first_epoch_after_other_runs_is_compared_with_them(
    config: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previous: list[float] = []
    monkeypatch.setattr("rdi_training.training.trainer.collapse", lambda _vitals, before: previous.append(before))
    trained, held_out = hold_out(draw_stripes(320, seed=4), config.held_out, config.seed)
    for earlier in ([], [{"made": "up"}]):
        state = TrainingState(config, rdi_tiny(), trained.images, torch.device("cpu"))
        state.earlier = earlier
        train(state, trained, held_out, tmp_path, log=lambda _event, **_values: None)
    assert previous[0] == 0
    assert previous[config.epochs] > 0


def test_more_images_to_a_batch_than_there_are_is_an_error(config: TrainingConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_size is 1000, but there are only 256 images"):
        run(dataclasses.replace(config, batch_size=1000), tmp_path)


def test_collapse_goes_back_with_more_steps_and_gives_up_at_last(
    config: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rdi_training.training.trainer.collapse", lambda _vitals, _previous: "made up")
    events: list[dict[str, object]] = []
    trained, held_out = hold_out(draw_stripes(320, seed=4), config.held_out, config.seed)
    state = TrainingState(config, rdi_tiny(), trained.images, torch.device("cpu"))
    with pytest.raises(CollapseError, match="made up"):
        train(
            state,
            trained,
            held_out,
            tmp_path,
            log=lambda event, **values: events.append({"event": event} | values),
        )
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == [0, 0, 0]
    assert [event["attempt"] for event in epochs] == [0, 1, 2]
    assert state.position.extra_steps == 2
