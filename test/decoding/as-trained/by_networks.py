"""Which class networks give photographs that torchvision preprocesses and onnxruntime runs.

Usage: python by_networks.py <folder with photos/> <folder of shipped models>
The networks are those of test/packages/frameworks, with random weights, and the shipped ones. Random weights give nearly all
photographs the same class, so logits are standardised over the photographs: then every class is given. Writes
networks/NAME.onnx of the former, and expected-networks.json.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

sys.path.append(str(Path(__file__).parents[2] / "packages" / "frameworks"))
from torch_networks import NETWORKS  # noqa: E402

#: The mean difference in grey levels that preprocessing may have, as in compare.ts.
SMALL = 0.3
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


class Standardised(nn.Module):
    """A network whose logits have the mean 0 and the deviation 1 over some images, in each class."""

    def __init__(self, net: nn.Module, images: Tensor):
        super().__init__()
        self.net = net
        with torch.no_grad():
            answers = net(images)
        self.means = nn.ParameterList(answer.mean(0) for answer in answers)
        self.deviations = nn.ParameterList(answer.std(0) for answer in answers)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        answers = self.net(image)
        scales = zip(self.means, self.deviations)
        return tuple((answer - mean) / deviation for answer, (mean, deviation) in zip(answers, scales))


def settle(net: nn.Module, images: Tensor) -> None:
    """Statistics that fit the images, as training leaves them, and heads that are not zero."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1
        if isinstance(module, nn.Linear) and not module.weight.any():
            nn.init.trunc_normal_(module.weight, std=0.02)
    with torch.no_grad():
        net.train()(images)
    net.eval()


def preprocessed(photos: list[Image.Image], mode: str, mean: list[float], std: list[float], *steps: object) -> Tensor:
    values = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(mean, std)])
    return torch.stack([values(photo.convert(mode)) for photo in photos])


def tried(photos: list[Image.Image], folder: Path) -> Iterator[dict[str, object]]:
    """Networks that are imported with the preset imagenet."""
    seen: dict[int, Tensor] = {}
    for (source, network), (make, size) in NETWORKS.items():
        if size not in seen:
            steps = transforms.Resize(int(size / 0.875)), transforms.CenterCrop(size)
            seen[size] = preprocessed(photos, "RGB", IMAGENET["mean"], IMAGENET["std"], *steps)
        torch.manual_seed(1)
        net = make()
        settle(net, seen[size])
        net = Standardised(net, seen[size]).eval()
        file = folder / f"{source}-{network}.onnx".lower().replace(" ", "-")
        axes = {"image": {0: "batch"}}
        torch.onnx.export(net, (seen[size][:2],), file, dynamo=False, input_names=["image"], dynamic_axes=axes)
        yield {"network": file.stem, **answered(file, seen[size], IMAGENET["std"], -1)}


def shipped(photos: list[Image.Image], models: Path) -> Iterator[dict[str, object]]:
    """Networks of the shipped packages, as if they had been trained with an exact, bilinear Resize."""
    for file in sorted(models.glob("*/*/manifest.json")):
        manifest = json.loads(file.read_text())
        given = manifest["input"]
        mode = "RGB" if given["channels"] == 3 else "L"
        size = given["height"], given["width"]
        values = preprocessed(photos, mode, given["mean"], given["std"], transforms.Resize(size))
        output = manifest["exits"][-1]["logits"]
        yield {"package": str(file.parent), **answered(file.parent / "model.onnx", values, given["std"], output)}


def answered(file: Path, values: Tensor, std: list[float], output: str | int) -> dict[str, object]:
    """The logits, and how much they move if the pixels do by SMALL grey levels on average."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options)
    name = session.get_outputs()[output].name if isinstance(output, int) else output
    random = np.random.default_rng(1)
    levels = random.choice([-1, 0, 1], values.shape, p=[SMALL / 2, 1 - SMALL, SMALL / 2])
    near = values.numpy() + levels.astype(np.float32) / 255 / np.float32(std)[:, None, None]
    logits, moved = (session.run([name], {session.get_inputs()[0].name: given})[0] for given in (values.numpy(), near))
    return {"logits": logits.tolist(), "moved": np.abs(logits - moved).max(1).tolist()}


def main(folder: Path, models: Path) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    files = sorted((folder / "photos").iterdir())
    photos = [Image.open(file).convert("RGB") for file in files]
    networks = folder / "networks"
    networks.mkdir()
    listed = [*tried(photos, networks), *shipped(photos, models)]
    expected = {"photos": [f"photos/{file.name}" for file in files], "networks": listed}
    (folder / "expected-networks.json").write_text(json.dumps(expected, allow_nan=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
