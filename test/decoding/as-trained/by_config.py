"""What Hugging Face's image processors and timm's transforms make of photographs, with the files that import reads.

Usage: python by_config.py <folder with photos/>
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import timm
from expected import SIZE, Pipelines, write_expected
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torchvision import transforms
from transformers import CLIPImageProcessor, ConvNextImageProcessor, DeiTImageProcessor, ViTImageProcessor

SQUARE = {"height": SIZE, "width": SIZE}


def hugging_face(processor: Callable) -> tuple[Callable[[Path], np.ndarray], dict[str, object]]:
    def run(path: Path) -> np.ndarray:
        image = Image.open(path).convert("RGB")
        made = processor(image, do_rescale=False, do_normalize=False, return_tensors="np")
        return np.asarray(made["pixel_values"][0], np.float32).transpose(1, 2, 0)

    return run, {"config": json.loads(processor.to_json_string())}


def timm_model(name: str) -> tuple[Callable[[Path], np.ndarray], dict[str, object]]:
    cfg = timm.get_pretrained_cfg(name).to_dict()
    # The last two make a tensor of the pixels and normalise it.
    whole = create_transform(**resolve_data_config({}, pretrained_cfg=cfg)).transforms[:-2]
    pipeline = transforms.Compose(whole)
    return lambda path: np.asarray(pipeline(Image.open(path).convert("RGB")), np.float32), {
        "config": json.loads(json.dumps({"pretrained_cfg": cfg}, default=str))
    }


PIPELINES: Pipelines = {
    "transformers: ViTImageProcessor": hugging_face(ViTImageProcessor(size=SQUARE)),
    "transformers: CLIPImageProcessor": hugging_face(CLIPImageProcessor()),
    "transformers: ConvNextImageProcessor": hugging_face(ConvNextImageProcessor(size={"shortest_edge": SIZE})),
    "transformers: DeiTImageProcessor": hugging_face(
        DeiTImageProcessor(size={"height": 256, "width": 256}, crop_size=SQUARE)
    ),
    "timm: resnet50.a1_in1k": timm_model("resnet50.a1_in1k"),
    "timm: vit_base_patch16_224.augreg_in21k_ft_in1k": timm_model("vit_base_patch16_224.augreg_in21k_ft_in1k"),
    "timm: mobilenetv3_small_100.lamb_in1k": timm_model("mobilenetv3_small_100.lamb_in1k"),
}

if __name__ == "__main__":
    write_expected(Path(sys.argv[1]), "config", PIPELINES)
