"""Pictures: how a run went, and what accuracy costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

WIDTH_INCHES, HEIGHT_INCHES = 8.0, 4.0


@dataclass(frozen=True)
class Point:
    """One way to run a network."""

    executed_macs: float
    accuracy: float


def training_figure(log: Path) -> Figure:
    """Loss within epochs and accuracy after each, from a run's log.jsonl; repeated epochs are marked."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [event for event in events if event["event"] == "step"]
    epochs = [event for event in events if event["event"] == "epoch"]
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    minutes = [event["seconds"] / 60 for event in steps]
    for name in ("clean", "adversarial"):
        losses.plot(minutes, [event[name] for event in steps], label=name)
    losses.set(xlabel="computing time (minutes)", ylabel="mean exit loss, epoch so far", yscale="log")
    losses.legend()
    numbers = [event["epoch"] + 1 for event in epochs]
    for index, accuracy in enumerate(zip(*(event["clean_accuracy"] for event in epochs), strict=True)):
        accuracies.plot(numbers, accuracy, label=f"exit {index}, clean", alpha=0.7)
    accuracies.plot(numbers, [event["robust_accuracy"] for event in epochs], "k-", label="final exit, PGD-10")
    for event in epochs:
        if event["collapse"]:
            accuracies.axvline(event["epoch"] + 1, color="red", linestyle=":")
    accuracies.set(xlabel="epoch", ylabel="accuracy on held-out images")
    accuracies.legend(fontsize="small")
    return figure


def compute_figure(exits: Sequence[Point], profiles: Mapping[str, Point], full_macs: float) -> Figure:
    """Accuracy against executed compute: every exit used alone as a line, each profile as a mark."""
    figure = Figure(figsize=(WIDTH_INCHES * 0.75, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        [point.executed_macs / full_macs for point in exits],
        [point.accuracy for point in exits],
        "o-",
        color="grey",
        label="one exit for all images",
    )
    for name, point in profiles.items():
        axes.plot(point.executed_macs / full_macs, point.accuracy, "D", label=name)
    axes.set(xlabel="executed compute, share of the backbone", ylabel="accuracy on clean test images")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
