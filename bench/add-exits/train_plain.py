"""Trains a small plain classifier on CIFAR-10 for a few epochs, and writes what add-exits takes: FOLDER/NETWORK.onnx,
labels.txt, and held-out.zip with the 10,000 training images that the network never saw.

Needs torch, timm, onnx, onnxscript and Pillow. CIFAR-10 as a zip of images, train/CLASS/NAME.jpg. The state is kept
after every epoch, so that the same command goes on after an interruption.
"""

import argparse
import io
import random
import time
import zipfile
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from timm.models.vision_transformer import VisionTransformer
from torch.nn.functional import cross_entropy, pad

HELD_OUT = 10_000
BATCH = 128


def mobilenetv3() -> torch.nn.Module:
    return timm.create_model("mobilenetv3_small_100", num_classes=10)


def vit() -> torch.nn.Module:
    """A class token and 16 tokens of 8 x 8 pixels; 6 blocks of width 64."""
    return VisionTransformer(img_size=32, patch_size=8, embed_dim=64, depth=6, num_heads=4, mlp_ratio=2, num_classes=10)


NETWORKS = {"mobilenetv3": (mobilenetv3, 3e-3), "vit": (vit, 1e-3)}


def split(archive: Path) -> tuple[list[str], list[str]]:
    """Names of the images to train on and of those held out, the same for every network."""
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".jpg"))
    random.Random(1).shuffle(names)
    return names[HELD_OUT:], sorted(names[:HELD_OUT])


def load(archive: Path, names: list[str], classes: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    with zipfile.ZipFile(archive) as file:
        images = [np.asarray(Image.open(io.BytesIO(file.read(name))).convert("RGB")) for name in names]
    labels = [classes.index(name.split("/")[-2]) for name in names]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.tensor(labels)


def scaled(pixels: torch.Tensor) -> torch.Tensor:
    """To [-1, 1]: --preprocess symmetric."""
    return pixels.float() / 127.5 - 1


def augmented(pixels: torch.Tensor) -> torch.Tensor:
    """Shifted by up to 4 pixels and mirrored, alike for the whole batch."""
    across, down = random.randrange(9), random.randrange(9)
    shifted = pad(pixels, (4, 4, 4, 4))[..., down : down + 32, across : across + 32]
    return shifted.flip(-1) if random.random() < 0.5 else shifted


class Training:
    """A network with all that its next epoch depends on."""

    def __init__(self, network: torch.nn.Module, rate: float, steps: int, kept: Path) -> None:
        self.network, self.kept, self.epoch = network, kept, 0
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.05)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, rate, total_steps=steps, pct_start=0.2)
        if kept.exists():
            state = torch.load(kept, weights_only=True)
            self.epoch = state["epoch"]
            for part in ("network", "optimizer", "schedule"):
                getattr(self, part).load_state_dict(state[part])

    def run_epoch(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        """The mean loss."""
        random.seed(self.epoch)
        torch.manual_seed(self.epoch)
        self.network.train()
        batches, total = len(images) // BATCH, 0.0
        for batch in torch.randperm(len(images)).split(BATCH)[:batches]:
            answers = self.network(augmented(scaled(images[batch])))
            loss = cross_entropy(answers, labels[batch], label_smoothing=0.1)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            total += loss.item()
        self.epoch += 1
        self.keep()
        return total / batches

    def keep(self) -> None:
        parts = {part: getattr(self, part).state_dict() for part in ("network", "optimizer", "schedule")}
        aside = self.kept.with_suffix(".part")
        torch.save({"epoch": self.epoch, **parts}, aside)
        aside.rename(self.kept)


def accuracy(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    network.eval()
    with torch.inference_mode():
        answers = torch.cat([network(scaled(part)).argmax(1) for part in images.split(500)])
    return (answers == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--train", type=Path, required=True, help="train.zip of CIFAR-10")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    training, held_out = split(options.train)
    classes = sorted({name.split("/")[-2] for name in training})
    (options.out / "labels.txt").write_text("".join(f"{name}\n" for name in classes))
    with zipfile.ZipFile(options.train) as source, zipfile.ZipFile(options.out / "held-out.zip", "w") as target:
        for name in held_out:
            target.writestr(name, source.read(name))
    make, rate = NETWORKS[options.network]
    torch.manual_seed(1)
    network = make()
    images, labels = load(options.train, training, classes)
    steps = options.epochs * (len(images) // BATCH)
    run = Training(network, rate, steps, options.out / f"{options.network}.pt")
    while run.epoch < options.epochs:
        started = time.monotonic()
        loss = run.run_epoch(images, labels)
        print(f"epoch {run.epoch} of {options.epochs}: loss {loss:.3f}, {time.monotonic() - started:.0f} s", flush=True)
    right = accuracy(network, *load(options.train, held_out, classes))
    print(f"{100 * right:.1f} % of the held-out images are right")
    file = options.out / f"{options.network}.onnx"
    image = torch.zeros(2, 3, 32, 32)
    torch.onnx.export(network, (image,), file, input_names=["image"], output_names=["logits"], dynamo=True,
                      dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False)
    print(file)


if __name__ == "__main__":
    main()
