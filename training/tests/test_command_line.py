"""The commands as a user runs them: own images and own network by the letter of docs/training.md."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from toy_images import draw_image_folder

from rdi_training.__main__ import main
from rdi_training.data.image_set import hold_out
from rdi_training.data.stripes import load_stripes
from rdi_training.evaluation.subject import load_package
from rdi_training.networks.averaged_exits import AveragedExits
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.training.config import TrainingConfig
from rdi_training.training.finished import read_learned
from rdi_training.training.run_folder import open_run
from rdi_training.training.trainer import CHECKPOINT

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


def blocks(language: str) -> list[str]:
    """The document's code blocks in that language, the one on own images and network first."""
    section = DOCUMENT.read_text().partition("## Your own images and network")[2]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize("epsilon", [0.0, 0.03])
def test_own_images_and_own_network(epsilon: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_network.py").write_text(blocks("python")[0])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_network", raising=False)
    draw_image_folder(tmp_path / "data" / "pets", {"train": 40, "test": 10})
    values = json.loads(blocks("json")[0])
    values["held_out"] = 20
    values["phases"][0] |= {"epochs": 1, "steps": 1 if epsilon else 0, "epsilon_from": epsilon, "epsilon_to": epsilon}
    (tmp_path / "pets.json").write_text(json.dumps(values))
    monkeypatch.setenv("RDI_DATA", str(tmp_path / "data"))
    run, export = str(tmp_path / "run"), str(tmp_path / "export")
    train = ["train", "--config", str(tmp_path / "pets.json"), "--run", run, "--device", "cpu"]
    assert main(train) == 0
    assert main(["export", "--run", run, "--out", export]) == 0
    assert json.loads((tmp_path / "export" / "description.json").read_text())["classes"] == ["cat", "dog"]
    report = str(tmp_path / "report")
    measured = ["evaluate", export, "--dataset", "pets", "--epsilon", "0.03", "--out", report, "--device", "cpu"]
    assert main([*measured, "--no-masking"]) == 0
    assert main(["export", "--run", run, "--out", export, "--report", f"{report}.md"]) == 0
    assert "union of all attacks" in (tmp_path / "export" / "MODEL_CARD.md").read_text()


def test_smoke_runs_the_whole_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "--out", str(tmp_path / "smoke")]) == 0
    assert "the resumed run equals the straight one" in capsys.readouterr().out
    assert (tmp_path / "smoke" / "export" / "model.onnx").exists()
    assert main(["smoke", "--out", str(tmp_path / "smoke")]) == 2
    for number, arguments in enumerate(
        (
            ["--run", str(tmp_path / "smoke" / "run")],
            ["--model", str(tmp_path / "smoke" / "export"), "--dataset", "stripes"],
        )
    ):
        picture = tmp_path / f"{number}.svg"
        assert main(["plot", *arguments, "--out", str(picture)]) == 0
        assert "</svg>" in picture.read_text()
    _weights_go_into_another_network(tmp_path / "smoke" / "export", tmp_path / "averaged")


def _weights_go_into_another_network(export: Path, other: Path) -> None:
    """Of the same parameters: what is written is the other network, with the same weights."""
    arguments = ["export", "--run", str(export), "--network", "rdi-tiny-averaged", "--device", "cpu"]
    assert main([*arguments, "--out", str(other)]) == 0
    assert (other / "checkpoint.safetensors").read_bytes() == (export / "checkpoint.safetensors").read_bytes()
    networks = [load_package(folder, "full").network for folder in (export, other)]
    assert [type(network) for network in networks] == [MultiExitNetwork, AveragedExits]
    assert type(read_learned(other).network(3)) is AveragedExits
    assert "rdi-tiny-averaged" in (other / "MODEL_CARD.md").read_text()


def test_what_the_user_can_put_right_is_one_sentence(
    config: TrainingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(config.to_json() | {"network": "rdi-huge", "dataset": "stripes"}))
    assert (
        main(["train", "--config", str(tmp_path / "bad.json"), "--run", str(tmp_path / "run"), "--device", "cpu"]) == 2
    )
    assert "train: unknown network 'rdi-huge'; known: mobilenetv2, rdi-mobilenetv2, " in capsys.readouterr().err


def test_held_out_images_are_written_as_the_run_split_them(config: TrainingConfig, tmp_path: Path) -> None:
    state, _, _ = open_run(config, tmp_path / "run", tmp_path, torch.device("cpu"))
    state.save(tmp_path / "run" / CHECKPOINT)
    assert main(["held-out", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    training = load_stripes(tmp_path, "train")
    _, held_out = hold_out(training, config.held_out, config.seed)
    files = sorted((tmp_path / "out").rglob("*.png"), key=lambda path: path.stem)
    assert [path.parent.name for path in files] == [training.classes[label] for label in held_out.labels.tolist()]
    with Image.open(files[7]) as image:
        pixels = torch.from_numpy(np.array(image))
    assert torch.equal(pixels, held_out.images[7, 0])
