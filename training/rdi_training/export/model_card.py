"""MODEL_CARD.md: what the model is, how it was made, and what was measured, each number with its command."""

from collections.abc import Sequence
from typing import Any

from ..cost import NetworkCost
from ..markdown_table import markdown_table
from ..training.config import Phase
from ..training.record import TrainingRecord

DATA_NOTES = {
    "mnist": "MNIST in its official IDX format (LeCun, Cortes, Burges).",
    "cifar10": "CIFAR-10 (Krizhevsky, 2009).",
}
JPEG_NOTE = (
    "The images were read from a JPEG re-encoding of CIFAR-10, which is a little lossy; numbers on the original "
    "images will differ slightly."
)
OPTIMISERS = {"adam": "Adam", "sgd": "SGD with Nesterov momentum 0.9"}


def model_card(
    runs: Sequence[TrainingRecord],
    network: str,
    cost: NetworkCost,
    calibration: dict[str, Any],
    *,
    hardware: str,
    command: str,
    from_jpeg: bool,
    report: str | None,
) -> str:
    """The card's Markdown.

    `runs` trained it, oldest first; `network` is what its weights are served in; `command` made the export; `report`
    is the evaluation's Markdown, if there is one.
    """
    config, epochs = runs[-1].config, runs[-1].epochs
    finished = epochs >= config.epochs
    sections = [
        f"# {config.name}",
        f"A multi-exit image classifier ({network}) trained on {config.dataset} to withstand perturbations "
        f'of up to {radius_text(config.final_epsilon)} per pixel (L∞). Network: RDI-Nets, Hu et al., "Triple '
        'Wins", ICLR 2020, with cheaper heads.',
        "" if finished else f"**Training is not finished: {epochs} of {config.epochs} epochs.**",
        "## Data",
        f"{DATA_NOTES.get(config.dataset, config.dataset)} {JPEG_NOTE if from_jpeg else ''} {config.held_out} of "
        f"the training images (split seed {config.seed}) were never trained on; they choose the thresholds, and "
        "256 of them watched the training for collapse.".replace("  ", " "),
        "## Training",
        _training(runs, hardware),
        "## Cost",
        f"Multiply-accumulates (FLOPs are twice that). The backbone with its final exit: {cost.full / 1e6:.2f} M; "
        f"all side heads together: {sum(cost.heads[:-1]) / cost.full:.1%} of it.",
        _cost_table(cost),
        "## Profiles",
        f"Thresholds on the normalised entropy, chosen and measured on the held-out images by `{command}`.",
        _profile_table(calibration, cost),
        "## Measured on test images",
        report if report else "Not measured yet: `python -m rdi_training evaluate` writes this section.",
        "## Limits",
        "The numbers hold for images like those of the data set and for the attacks named above; a stronger "
        "attack may do better, and a perturbation outside the L∞ ball is not covered. An adversary may also aim at "
        "cost: the slowdown row, where measured, says how much. Images of anything but the listed classes get one "
        "of the listed classes.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _training(runs: Sequence[TrainingRecord], hardware: str) -> str:
    together = sum(record.seconds for record in runs)
    sections = [
        *(f"Run {number}: {_run(record)}" if len(runs) > 1 else _run(record) for number, record in enumerate(runs, 1)),
        "Each run started with the averaged weights of the one before." if len(runs) > 1 else "",
        f"{together / 60:.0f} minutes on {hardware}. The whole configuration is in the package's manifest.",
    ]
    return "\n\n".join(section for section in sections if section)


def _run(record: TrainingRecord) -> str:
    config = record.config
    start = ", starting from the image's last perturbation" if config.carry_perturbations else ""
    extra = f" The collapse guard added {record.extra_steps} steps." if record.extra_steps else ""
    return (
        f"{_epochs(record.epochs)}, batches of {config.batch_size} clean images and their adversarial copies, "
        f"{OPTIMISERS[config.optimiser]}, peak learning rate {config.peak_learning_rate:g}, weight decay "
        f"{config.weight_decay:g}, weights averaged (EMA {config.ema_decay:g}), seed {config.seed}. "
        f"Adversarial copies by projected gradient descent, {_aims(config.final_attack_share)}{start}: "
        f"{'; '.join(_phase(phase) for phase in config.phases)}.{_mix(config.adversarial_share)}{extra}"
    )


def _mix(adversarial_share: float) -> str:
    """Of the loss; nothing where clean images and copies weigh alike."""
    if adversarial_share == 0.5:
        return ""
    return f" In the loss, clean images weigh {1 - adversarial_share:.0%} and their copies {adversarial_share:.0%}."


def _aims(final_share: float) -> str:
    if final_share == 0:
        return "half against the average of the exits and half against one exit"
    rest = f"{(1 - final_share) / 2:.0%}"
    return (
        f"{final_share:.0%} against the final exit, {rest} against the average of the exits and {rest} against one exit"
    )


def _phase(phase: Phase) -> str:
    if phase.epsilon_from == phase.epsilon_to == 0:
        attack = "without adversarial copies"
    else:
        attack = f"with {phase.steps} steps of {phase.step_over_epsilon:g} ε, ε {_radius(phase)}"
    images = f", on images scaled to {phase.side} × {phase.side}" if phase.side else ""
    return f"{_epochs(phase.epochs)} {attack}{images}"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _radius(phase: Phase) -> str:
    if phase.epsilon_from == phase.epsilon_to:
        return radius_text(phase.epsilon_to)
    return f"{radius_text(phase.epsilon_from)} to {radius_text(phase.epsilon_to)}"


def radius_text(epsilon: float) -> str:
    """A radius as a share of the full range, in 255ths where it is a whole number of them."""
    levels = epsilon * 255
    return f"{levels:.0f}/255" if abs(levels - round(levels)) < 1e-6 else f"{epsilon:.4g}"


def _cost_table(cost: NetworkCost) -> str:
    rows = zip(cost.executed(), cost.published(), strict=True)
    return markdown_table(
        ["exit", "executed, all exits active (M)", "share of full", "as the paper counts (2²⁰)"],
        [
            [str(index), f"{executed / 1e6:.2f}", f"{executed / cost.full:.1%}", f"{published / 2**20:.2f}"]
            for index, (executed, published) in enumerate(rows)
        ],
    )


def _profile_table(calibration: dict[str, Any], cost: NetworkCost) -> str:
    rows = []
    for name, profile in calibration["profiles"].items():
        source = profile["source"]
        rows.append(
            [
                name,
                ", ".join("off" if value is None else f"{value:.4g}" for value in profile["thresholds"]),
                f"{source['accuracy']:.2%}",
                f"{source['agreement']:.2%}",
                f"{source['executedMacs'] / 1e6:.2f} M ({source['executedMacs'] / cost.full:.1%})",
                " / ".join(f"{share:.0%}" for share in source["exitShares"]),
            ]
        )
    return markdown_table(
        ["profile", "thresholds", "accuracy", "agrees with final exit", "executed", "leave at exit"], rows
    )
