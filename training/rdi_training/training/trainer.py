"""The training loop: epochs of crafting and learning, watched by the guard, stoppable after any step."""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from ..data.image_set import ImageSet, as_pixels
from .augment import scaled
from .guard import IMAGES, Vitals, collapse, take_vitals
from .live_log import Log
from .state import SUMS, Position, TrainingState
from .step import Step

CHECKPOINT = "checkpoint.pt"
LAST_GOOD = "last-good.pt"
ATTEMPTS = 3
LOG_EVERY_STEPS = 50


class CollapseError(RuntimeError):
    """The guard sent the run back as often as it may."""


def train(
    state: TrainingState,
    trained: ImageSet,
    held_out: ImageSet,
    folder: Path,
    *,
    log: Log,
    stop: Callable[[], bool] = lambda: False,
    checkpoint_seconds: float = 300,
) -> bool:
    """Train until the configured end (True) or until stop() says so (False); either way the checkpoint is current.

    `state` is fresh or loaded from `folder`; image sets lie on its device.
    """
    config, device = state.config, state.draws.device
    if len(trained) < config.batch_size:
        raise ValueError(f"batch_size is {config.batch_size}, but there are only {len(trained)} images to train on")
    step = Step(state)
    log("start", epoch=state.position.epoch, step=state.position.step, device=str(device), precision=step.precision)
    if state.position.updates == 0:
        if state.earlier:
            # What the first epoch must not lose.
            state.position.robust_accuracy = _vitals(state, held_out, gain=0).robust_accuracy
        state.save(folder / LAST_GOOD)
    while state.position.epoch < config.epochs:
        if not _epoch(state, trained, folder, step, log, stop, checkpoint_seconds):
            log("stop", epoch=state.position.epoch, step=state.position.step)
            return False
        _judge(state, held_out, folder, log)
    log("end", seconds=round(state.position.seconds))
    return True


def _epoch(
    state: TrainingState,
    trained: ImageSet,
    folder: Path,
    step: Step,
    log: Log,
    stop: Callable[[], bool],
    checkpoint_seconds: float,
) -> bool:
    """Do the rest of the epoch; False if told to stop before its end."""
    config, position = state.config, state.position
    order = state.epoch_order(len(trained)).to(trained.images.device)
    steps = len(trained) // config.batch_size
    # Added up where they are computed: reading a number waits for the GPU.
    sums = torch.tensor([position.sums[name] for name in SUMS], device=order.device)

    def named(values: torch.Tensor) -> dict[str, float]:
        return dict(zip(SUMS, values.tolist(), strict=True))

    saved_at = time.monotonic()
    bar = tqdm(total=steps, initial=position.step, desc=f"epoch {position.epoch + 1}/{config.epochs}", mininterval=5)
    with bar:
        while position.step < steps:
            began = time.monotonic()
            chosen = order[position.step * config.batch_size : (position.step + 1) * config.batch_size]
            sums += step(trained.images[chosen], trained.labels[chosen], chosen, position.epoch + position.step / steps)
            position.step += 1
            position.updates += 1
            bar.update()
            if position.step % LOG_EVERY_STEPS == 0:
                means = named(sums / position.step)
                log("step", epoch=position.epoch, step=position.step, seconds=round(position.seconds), **means)
                bar.set_postfix({name: f"{mean:.3f}" for name, mean in means.items()}, refresh=False)
            position.seconds += time.monotonic() - began
            stopping = stop()
            if stopping or time.monotonic() - saved_at > checkpoint_seconds:
                position.sums = named(sums)
                state.save(folder / CHECKPOINT)
                saved_at = time.monotonic()
            if stopping:
                return False
    position.sums = named(sums)
    return True


def _vitals(state: TrainingState, held_out: ImageSet, gain: float) -> Vitals:
    """Of the average, on images of the size that this epoch shows."""
    phase, _ = state.config.phase_at(state.position.epoch)
    return take_vitals(
        state.average,
        scaled(as_pixels(held_out.images[:IMAGES]), phase.side),
        held_out.labels[:IMAGES],
        state.config.final_epsilon,
        gain=gain,
    )


def _judge(state: TrainingState, held_out: ImageSet, folder: Path, log: Log) -> None:
    """Close the epoch: keep it, or go back to its beginning with one more attack step."""
    position = state.position
    means = {name: value / position.step for name, value in position.sums.items()}
    vitals = _vitals(state, held_out, gain=means["adversarial"] - means["clean"])
    phase, _ = state.config.phase_at(position.epoch)
    # Epochs without an attack have no robustness to lose.
    reason = collapse(vitals, position.robust_accuracy) if phase.attacks else None
    log(
        "epoch",
        epoch=position.epoch,
        attempt=position.attempt,
        seconds=round(position.seconds),
        loss=means["loss"],
        gain=vitals.gain,
        robust_accuracy=vitals.robust_accuracy,
        clean_accuracy=vitals.clean_accuracy,
        collapse=reason,
    )
    if reason is None:
        state.position = Position(
            epoch=position.epoch + 1,
            updates=position.updates,
            extra_steps=position.extra_steps,
            seconds=position.seconds,
            robust_accuracy=vitals.robust_accuracy,
        )
        state.seed_epoch()
        state.save(folder / LAST_GOOD)
    else:
        attempt, seconds = position.attempt + 1, position.seconds
        if attempt == ATTEMPTS:
            raise CollapseError(f"epoch {position.epoch} collapsed {ATTEMPTS} times: {reason}")
        state.load(folder / LAST_GOOD)
        state.position.attempt = attempt
        state.position.extra_steps += attempt
        state.position.seconds = seconds
        state.seed_epoch()
    state.save(folder / CHECKPOINT)
