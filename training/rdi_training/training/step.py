"""One step of training: present a batch, attack it and learn from it, move the average."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ..data.image_set import as_pixels
from .augment import crop_and_flip, scaled
from .config import Phase
from .crafting import mixed_weights, starting_points, to_carry
from .learning import learn_attacked, learn_clean
from .moving_average import update_average
from .precision import resolve_precision
from .replay import Replayed, Result
from .schedule import learning_rate
from .state import TrainingState


class Step:
    """The steps of one run; on a GPU, the work on the network is recorded and replayed."""

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        device = state.draws.device
        self.precision = resolve_precision(state.config.precision, device)
        self._learn_clean = self._on_device(learn_clean, device)
        self._learn_attacked = self._on_device(learn_attacked, device)

    def __call__(self, raw: Tensor, labels: Tensor, chosen: Tensor, progress: float) -> Tensor:
        """Learn from uint8 images [N, C, H, W], the data set's at the indices `chosen`; `progress` is in epochs.

        Returns what SUMS names as one tensor, still on the device: reading it waits for a GPU.
        """
        state, config = self._state, self._state.config
        phase, epsilon = config.phase_at(progress)
        images = as_pixels(raw)
        if config.augment:
            images = crop_and_flip(images, state.draws)
        images = scaled(images, phase.side).contiguous(memory_format=torch.channels_last)
        state.optimiser.zero_grad(set_to_none=True)
        if epsilon == 0:
            sums = self._learn_clean(state.network, images, labels)
        else:
            sums = self._attack_and_learn(images, labels, chosen, phase, epsilon)
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(config, progress)
        state.optimiser.step()
        update_average(state.average, state.network, config.ema_decay, state.position.updates)
        return sums

    def _attack_and_learn(self, images: Tensor, labels: Tensor, chosen: Tensor, phase: Phase, epsilon: float) -> Tensor:
        state = self._state
        exit_weights = mixed_weights(
            state.network.exit_count, len(images), state.config.final_attack_share, state.draws
        )
        carried = None if state.carried is None else state.carried[chosen]
        sums, copies = self._learn_attacked(
            state.network,
            images,
            labels,
            starting_points(images, epsilon, carried, state.draws),
            exit_weights,
            # Filled on the device: a number copied there would wait for the work before it.
            torch.full((), epsilon, device=images.device),
            torch.full((), epsilon * phase.step_over_epsilon, device=images.device),
            steps=phase.steps + state.position.extra_steps,
            # In the first epoch of a fresh network batch norm's running statistics are too poor to attack through.
            evaluating=state.position.epoch > 0 or bool(state.earlier),
        )
        if state.carried is not None:
            state.carried[chosen] = to_carry(images, copies, epsilon)
        return sums

    def _on_device(self, work: Callable[..., Result], device: torch.device) -> Callable[..., Result]:
        work = partial(work, config=self._state.config, precision=self.precision)
        return Replayed(work) if device.type == "cuda" else work
