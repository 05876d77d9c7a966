"""The training loop: epochs of crafting and learning, watched by the guard, stoppable after any step."""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from ..attacks.objectives import exit_losses
from ..data.image_set import ImageSet, as_pixels
from ..networks.multi_exit import stacked_logits
from .augment import crop_and_flip, scaled
from .config import Phase
from .crafting import craft, to_carry
from .guard import IMAGES, collapse, take_vitals
from .live_log import Log
from .loss import training_loss
from .moving_average import update_average
from .precision import computing_in, resolve_precision
from .schedule import learning_rate
from .state import Position, TrainingState

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
    precision = resolve_precision(config.precision, device)
    log("start", epoch=state.position.epoch, step=state.position.step, device=str(device), precision=precision)
    if state.position.updates == 0:
        state.save(folder / LAST_GOOD)
    while state.position.epoch < config.epochs:
        if not _epoch(state, trained, folder, precision, log, stop, checkpoint_seconds):
            log("stop", epoch=state.position.epoch, step=state.position.step)
            return False
        _judge(state, held_out, folder, log)
    log("end", seconds=round(state.position.seconds))
    return True


def _epoch(
    state: TrainingState,
    trained: ImageSet,
    folder: Path,
    precision: str,
    log: Log,
    stop: Callable[[], bool],
    checkpoint_seconds: float,
) -> bool:
    """Do the rest of the epoch; False if told to stop before its end."""
    config, position = state.config, state.position
    order = state.epoch_order(len(trained)).to(trained.images.device)
    steps = len(trained) // config.batch_size
    saved_at = time.monotonic()
    bar = tqdm(total=steps, initial=position.step, desc=f"epoch {position.epoch + 1}/{config.epochs}", mininterval=5)
    with bar:
        while position.step < steps:
            began = time.monotonic()
            chosen = order[position.step * config.batch_size : (position.step + 1) * config.batch_size]
            _step(state, trained, chosen, position.epoch + position.step / steps, precision)
            position.step += 1
            position.updates += 1
            position.seconds += time.monotonic() - began
            means = {name: value / position.step for name, value in position.sums.items()}
            bar.update()
            bar.set_postfix({name: f"{mean:.3f}" for name, mean in means.items()}, refresh=False)
            if position.step % LOG_EVERY_STEPS == 0:
                log("step", epoch=position.epoch, step=position.step, seconds=round(position.seconds), **means)
            stopping = stop()
            if stopping or time.monotonic() - saved_at > checkpoint_seconds:
                state.save(folder / CHECKPOINT)
                saved_at = time.monotonic()
            if stopping:
                return False
    return True


def _step(state: TrainingState, trained: ImageSet, chosen: torch.Tensor, progress: float, precision: str) -> None:
    """One batch: craft, learn, average; `progress` is in epochs."""
    config, position, network = state.config, state.position, state.network
    phase, epsilon = config.phase_at(progress)
    images = as_pixels(trained.images[chosen])
    labels = trained.labels[chosen]
    if config.augment:
        images = crop_and_flip(images, state.draws)
    images = scaled(images, phase.side).contiguous(memory_format=torch.channels_last)
    with computing_in(precision, images.device):
        clean, attacked = _logits(state, images, labels, chosen, phase, epsilon)
    loss = training_loss(
        clean, attacked, labels, final_weight=config.final_exit_weight, distillation=config.distillation
    )
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(config, progress)
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    state.optimiser.step()
    update_average(state.average, network, config.ema_decay, position.updates)
    halves = (exit_losses(logits.detach(), labels).mean() for logits in (clean, attacked))
    # Read together: each reading waits for the GPU.
    for name, value in zip(
        ("loss", "clean", "adversarial"), torch.stack([loss.detach(), *halves]).tolist(), strict=True
    ):
        position.sums[name] += value


def _logits(
    state: TrainingState, images: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor, phase: Phase, epsilon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [E, N, C] of the images and of their adversarial copies, the same ones twice where epsilon is 0."""
    network = state.network
    if epsilon == 0:
        clean = stacked_logits(network.train(), images)
        return clean, clean
    adversarial = craft(
        network,
        images,
        labels,
        None if state.carried is None else state.carried[chosen],
        exits=network.exit_count,
        epsilon=epsilon,
        step=epsilon * phase.step_over_epsilon,
        steps=phase.steps + state.position.extra_steps,
        # In the first epoch batch norm's running statistics are still too poor to attack through.
        evaluating=state.position.epoch > 0,
        generator=state.draws,
    )
    if state.carried is not None:
        state.carried[chosen] = to_carry(images, adversarial, epsilon)
    # Both halves in one batch: batch norm then learns the statistics of what it will serve.
    clean, attacked = stacked_logits(network.train(), torch.cat([images, adversarial])).chunk(2, dim=1)
    return clean, attacked


def _judge(state: TrainingState, held_out: ImageSet, folder: Path, log: Log) -> None:
    """Close the epoch: keep it, or go back to its beginning with one more attack step."""
    position = state.position
    means = {name: value / position.step for name, value in position.sums.items()}
    phase, _ = state.config.phase_at(position.epoch)
    vitals = take_vitals(
        state.average,
        scaled(as_pixels(held_out.images[:IMAGES]), phase.side),
        held_out.labels[:IMAGES],
        state.config.final_epsilon,
        gain=means["adversarial"] - means["clean"],
    )
    # Epochs without perturbations have no robustness to lose.
    reason = collapse(vitals, position.robust_accuracy) if phase.epsilon_to > 0 else None
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
