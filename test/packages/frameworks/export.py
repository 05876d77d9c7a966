"""Exports every network, and writes beside CASE.onnx what its framework answers and how much it computes, CASE.json.

usage: python export.py FOLDER
"""

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from cases import count_flops, images, randomise, write_case
from flax_network import export_flax
from keras_network import export_keras
from torch import nn
from torch_networks import NETWORKS


def main(folder: Path) -> None:
    tasks = [(export_torch, (*key, folder)) for key in NETWORKS]
    tasks += [(export_keras, (folder,)), (export_flax, (folder,))]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for done in [pool.submit(task, *arguments) for task, arguments in tasks]:
            done.result()


def export_torch(source: str, network: str, folder: Path) -> None:
    warnings.filterwarnings("ignore")
    make, size = NETWORKS[source, network]
    torch.manual_seed(1)
    net = make().eval()
    randomise(net)
    pixels = images(size)
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        answers = [one.numpy() for one in net(values)]
    flops = count_flops(net, values[:1])
    for exporter, export in (("default", export_default), ("TorchScript", export_torchscript)):
        name = f"{source}-{network}-{exporter}".lower().replace(" ", "-")
        export(net, values, folder / f"{name}.onnx")
        write_case(folder / f"{name}.json", source, network, exporter, pixels, answers, flops)


def export_default(net: nn.Module, images: torch.Tensor, file: Path) -> None:
    torch.onnx.export(net, (images,), file, dynamic_shapes=({0: "batch"},), verbose=False)


def export_torchscript(net: nn.Module, images: torch.Tensor, file: Path) -> None:
    torch.onnx.export(net, (images,), file, dynamo=False, input_names=["image"], dynamic_axes={"image": {0: "batch"}})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
