"""`craft`: copies inside the ball after rounding, in the order of `held-out`, that harm the network."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from rdi_training.__main__ import main
from rdi_training.attacks.ball import to_bytes
from rdi_training.attacks.copies import adversarial_copies
from rdi_training.cli.craft import in_words
from rdi_training.data.stripes import draw_stripes
from rdi_training.dynamic import Gate, all_logits, at_exit
from rdi_training.evaluation.threat import Threat
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.training.config import TrainingConfig

EPSILON = 70.7 / 255
"""So that the ball has whole levels up to 70: enough to hide a band."""
GATES = [Gate("entropy", (0.6, 0.8)), Gate("margin", (0.5, 0.3))]


def copies(network: MultiExitNetwork, attacks: list[str], gate: Gate | None) -> Tensor:
    data = draw_stripes(64, seed=2)
    return adversarial_copies(
        network,
        data.images,
        data.labels,
        attacks,
        gate,
        epsilon=EPSILON,
        step=EPSILON / 4,
        steps=10,
        generator=torch.Generator().manual_seed(1),
    )


def wrong(network: MultiExitNetwork, images: Tensor, gate: Gate) -> int:
    logits = all_logits(network, images)
    return int(at_exit(logits.argmax(-1), gate.exits_taken(logits)).ne(draw_stripes(64, seed=2).labels).sum())


def test_rounding_stays_in_the_ball_and_the_range() -> None:
    images = torch.tensor([0, 100, 100, 250, 100], dtype=torch.uint8)
    adversarial = torch.tensor([-3.0, 108.4, 108.6, 262.0, 91.5]) / 255
    assert to_bytes(adversarial, images, 8.6 / 255).tolist() == [0, 108, 108, 255, 92]
    assert to_bytes(adversarial, images, 8 / 255).tolist() == [0, 108, 108, 255, 92]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.policy)
@pytest.mark.parametrize("attacks", [["max-average"], ["gate-aware-loss"], ["gate-aware-margin", "max-average"]])
def test_copies_are_harmful_bytes_within_the_ball(network: MultiExitNetwork, attacks: list[str], gate: Gate) -> None:
    images = draw_stripes(64, seed=2).images
    made = copies(network, attacks, gate)
    assert made.dtype == torch.uint8
    assert made.shape == images.shape
    distance = (made.int() - images.int()).abs()
    assert int(distance.max()) == 70
    assert wrong(network, made, gate) > wrong(network, images, gate)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.policy)
@pytest.mark.parametrize("attacks", [["gate-aware-margin", "max-average"], ["max-average", "gate-aware-margin"]])
def test_of_several_attacks_each_image_gets_the_worst(
    network: MultiExitNetwork, attacks: list[str], gate: Gate
) -> None:
    # Alone, the first attack starts where it starts in company.
    assert wrong(network, copies(network, attacks, gate), gate) >= wrong(
        network, copies(network, attacks[:1], gate), gate
    )


def test_an_attack_on_the_gate_needs_thresholds(network: MultiExitNetwork) -> None:
    with pytest.raises(ValueError, match="needs the thresholds"):
        copies(network, ["gate-aware-loss"], None)


def test_the_command_writes_what_held_out_writes_attacked(
    config: TrainingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = config.to_json()
    values["phases"][0] |= {"epochs": 1, "steps": 1}
    (tmp_path / "tiny.json").write_text(json.dumps(values))
    run, export, given = tmp_path / "run", tmp_path / "export", ["--config", str(tmp_path / "tiny.json")]
    assert main(["train", *given, "--run", str(run), "--device", "cpu"]) == 0
    assert main(["export", "--run", str(run), "--out", str(export)]) == 0
    assert main(["held-out", str(export), "--out", str(tmp_path / "clean")]) == 0
    clean = pictures(tmp_path / "clean")
    short = ["--steps", "2", "--step", "0.05", "--epsilon", "0.1", "--device", "cpu"]
    gate = ["--attack", "gate-aware-loss", "--policy", "margin", "--thresholds", "off", "0.8"]
    for number, (model, attack) in enumerate(((export, []), (run, []), (export, gate))):
        out = tmp_path / f"copies {number}"
        assert main(["craft", str(model), "--out", str(out), *short, *attack]) == 0
        made = pictures(out)
        assert list(made) == list(clean)
        distances = [int(np.abs(made[name] - clean[name]).max()) for name in clean]
        assert min(distances) > 0
        assert max(distances) <= 25
    said = capsys.readouterr().out
    assert re.search('--attack "max-average PGD, L∞ radius 0.1, 2 steps of 0.05, one random start, 8 bit"', said)
    assert "max-average PGD, L∞" in in_words(["max-average"], Gate("entropy", (0.2, 0.2)), Threat(0.1, 0.05, 2))
    assert "gate-aware-loss PGD against margin thresholds off, 0.8, L∞" in said
    assert main(["craft", str(export), "--out", str(tmp_path / "x"), "--thresholds", "0.5"]) == 2
    assert "2 side exits; give a threshold for each" in capsys.readouterr().err


def pictures(folder: Path) -> dict[str, np.ndarray]:
    """Signed pixels by CLASS/NAME, in the order in which a folder is read."""
    read = {}
    for path in sorted(folder.rglob("*.png"), key=lambda path: str(path.relative_to(folder))):
        with Image.open(path) as image:
            read[str(path.relative_to(folder))] = np.asarray(image).astype(np.int16)
    return read
