"""`craft`: write adversarial copies of the held-out images, for `rdi-serve calibrate --adversarial`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from ..attacks.copies import ATTACKS, adversarial_copies
from ..data.image_set import ImageSet
from ..data.registry import data_folder
from ..dynamic import SCORES, Gate
from ..evaluation.threat import Threat, threat_for
from ..networks.multi_exit import MultiExitNetwork
from ..training.config import TrainingConfig
from ..training.finished import read_learned, refresh_statistics
from .held_out import write_images

BATCH = 250


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("model", type=Path, help="exported folder, package, or run folder of `train`")
    parser.add_argument("--out", type=Path, required=True, help="folder to write: CLASS/00000.png, as `held-out` does")
    parser.add_argument(
        "--attack", nargs="+", choices=ATTACKS, default=["max-average"], help="several: the worst copy of each image"
    )
    parser.add_argument("--thresholds", nargs="+", type=_threshold, help="what gate-aware attacks aim at, or off")
    parser.add_argument("--policy", choices=SCORES, default="entropy", help="what these thresholds compare")
    parser.add_argument("--epsilon", type=float, help="radius, in [0, 1]; default: the paper's for the data set")
    parser.add_argument("--steps", type=int, help="of PGD; default: the paper's")
    parser.add_argument("--step", type=float, help="size of one, in [0, 1]; default: the paper's")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--seed", type=int, default=1, help="of the random starts")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")


def run(options: argparse.Namespace) -> int:
    """Attack the held-out images of the model's own run, in the order in which `held-out` writes them."""
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.allow_tf32 = False  # gradients in full fp32: a rounded one is a weaker attack
    device = torch.device(options.device)
    config, network, held_out = _load(options.model, data_folder(options.data), device)
    threat = threat_for(config.dataset, options.epsilon)
    threat = Threat(threat.epsilon, options.step or threat.step, options.steps or threat.steps)
    if options.thresholds and len(options.thresholds) != network.exit_count - 1:
        raise ValueError(f"the network has {network.exit_count - 1} side exits; give a threshold for each")
    gate = Gate(options.policy, tuple(options.thresholds)) if options.thresholds else None
    generator = torch.Generator(device).manual_seed(options.seed)
    batches = list(zip(held_out.images.split(BATCH), held_out.labels.split(BATCH), strict=True))
    copies = [
        adversarial_copies(
            network,
            images.to(device),
            labels.to(device),
            options.attack,
            gate,
            epsilon=threat.epsilon,
            step=threat.step,
            steps=threat.steps,
            generator=generator,
        ).cpu()
        for images, labels in tqdm(batches, desc=config.name)
    ]
    write_images(ImageSet(torch.cat(copies), held_out.labels, held_out.classes), options.out)
    print(f"wrote {len(held_out)} images to {options.out}; for calibrate:")
    print(f'--adversarial {options.out} --attack "{in_words(options.attack, gate, threat)}"')
    return 0


def in_words(attacks: Sequence[str], gate: Gate | None, threat: Threat) -> str:
    """What the copies are, as certificates state it."""
    aim = ""
    if gate and any(attack.startswith("gate-aware") for attack in attacks):
        thresholds = ("off" if threshold is None else f"{threshold:g}" for threshold in gate.thresholds)
        aim = f" against {gate.policy} thresholds {', '.join(thresholds)}"
    return (
        f"{' and '.join(attacks)} PGD{aim}, L∞ radius {threat.epsilon:g}, "
        f"{threat.steps} steps of {threat.step:g}, one random start, 8 bit"
    )


def _load(model: Path, folder: Path, device: torch.device) -> tuple[TrainingConfig, MultiExitNetwork, ImageSet]:
    """The network as it is served, on the device, and what its run held out."""
    learned = read_learned(model)
    config = learned.config
    trained, held_out = learned.split(folder)
    network = learned.network(len(held_out.classes)).to(device)
    if not learned.exported:
        refresh_statistics(network, config, trained.to(device))
    return config, network, held_out


def _threshold(text: str) -> float | None:
    return None if text == "off" else float(text)
