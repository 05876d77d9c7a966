"""Small networks with random weights from torchvision, timm, Hugging Face and by hand, each with early exits."""

from collections.abc import Callable
from functools import partial

import torch
import transformers
from cases import CLASSES
from early_exits import EarlyExits
from timm.models import mlp_mixer, swin_transformer, vision_transformer
from timm.models.deit import VisionTransformerDistilled
from torch import Tensor, nn
from torchvision import models
from torchvision.models import convnext, densenet, efficientnet, mobilenetv3, resnet, shufflenetv2
from torchvision.models.googlenet import GoogLeNet




class AveragedHeads(nn.Module):
    """Each exit's answer is the mean of its own head's and the answer of the exit before it."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, 8, 16, 24]
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, width, 3, stride=2, padding=1), nn.ReLU())
            for before, width in zip(widths, widths[1:])
        )
        self.heads = nn.ModuleList(nn.Linear(width, CLASSES) for width in widths[1:])

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        features, answers = image, []
        for stage, head in zip(self.stages, self.heads):
            features = stage(features)
            own = head(features.mean((2, 3)))
            answers.append((own + answers[-1]) / 2 if answers else own)
        return tuple(answers)


class MultiScale(nn.Module):
    """An MSDNet in small: every stage hands on features of two scales, and each exit is on the coarse one."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.first_coarse = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.fine = nn.ModuleList(nn.Conv2d(8 * (1 + stage), 8, 3, padding=1) for stage in range(2))
        self.down = nn.ModuleList(nn.Conv2d(8 * (1 + stage), 8, 3, stride=2, padding=1) for stage in range(3))
        self.coarse = nn.ModuleList(nn.Conv2d(16 * (1 + stage), 8, 3, padding=1) for stage in range(3))
        self.heads = nn.ModuleList(nn.Linear(16 * (2 + stage), CLASSES) for stage in range(3))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        fine = self.first(image).relu()
        coarse = self.first_coarse(fine).relu()
        answers = []
        for stage, head in enumerate(self.heads):
            joined = torch.cat([self.down[stage](fine), self.coarse[stage](coarse)], 1).relu()
            coarse = torch.cat([coarse, joined], 1)
            answers.append(head(coarse.mean((2, 3))))
            if stage < len(self.fine):
                fine = torch.cat([fine, self.fine[stage](fine).relu()], 1)
        return tuple(answers)


class HuggingFaceExits(nn.Module):
    """The classifier of a ViTForImageClassification behind some of its layers, too."""

    def __init__(self, net: nn.Module, layers: list[int]) -> None:
        super().__init__()
        self.net, self.layers = net, layers

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        out = self.net(pixel_values, output_hidden_states=True)
        early = [self.net.classifier(out.hidden_states[layer][:, 0]) for layer in self.layers]
        return (*early, out.logits)


def _exits(net: nn.Module, blocks: list[str], size: int, channels: int = 1) -> nn.Module:
    return EarlyExits(net.eval(), blocks, CLASSES, torch.zeros(1, 3, size, size), channels)


def _resnet() -> nn.Module:
    return _exits(resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], CLASSES), ["layer1", "layer2", "layer3"], 64)


def _mobilenet() -> nn.Module:
    net = mobilenetv3.mobilenet_v3_small(num_classes=CLASSES, width_mult=0.5)
    return _exits(net, ["features.3", "features.8"], 64)


def _efficientnet() -> nn.Module:
    block = partial(efficientnet.MBConvConfig, width_mult=1, depth_mult=1)
    stages = [block(1, 3, 1, 16, 8, 1), block(6, 3, 2, 8, 16, 1), block(6, 5, 2, 16, 24, 2)]
    net = efficientnet.EfficientNet(stages, dropout=0.2, num_classes=CLASSES)
    return _exits(net, ["features.1", "features.2"], 64)


def _densenet() -> nn.Module:
    net = densenet.DenseNet(8, (2, 2, 2, 2), 16, num_classes=CLASSES)
    return _exits(net, ["features.transition1", "features.transition2"], 64)


def _convnext() -> nn.Module:
    stages = [convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, 32, 1), convnext.CNBlockConfig(32, None, 1)]
    return _exits(convnext.ConvNeXt(stages, num_classes=CLASSES), ["features.1", "features.3"], 64)


def _googlenet() -> nn.Module:
    # What torchvision sets for its trained weights.
    net = GoogLeNet(CLASSES, aux_logits=False, transform_input=True, init_weights=False)
    return _exits(net, ["inception3b", "inception4c"], 64)


def _shufflenet() -> nn.Module:
    net = shufflenetv2.ShuffleNetV2([2, 2, 2], [8, 16, 32, 64, 128], num_classes=CLASSES)
    return _exits(net, ["stage2", "stage3"], 64)


def _vit() -> nn.Module:
    net = models.VisionTransformer(32, 8, 3, 2, 32, 64, num_classes=CLASSES)
    layers = ["encoder.layers.encoder_layer_0", "encoder.layers.encoder_layer_1"]
    return _exits(net, layers, 32, channels=-1)


def _swin() -> nn.Module:
    net = models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=CLASSES)
    return _exits(net, ["features.1"], 64, channels=-1)


_TIMM = {"img_size": 32, "num_classes": CLASSES}


def _timm_vit() -> nn.Module:
    net = vision_transformer.VisionTransformer(**_TIMM, patch_size=8, embed_dim=32, depth=3, num_heads=2)
    return _exits(net, ["blocks.0", "blocks.1"], 32, channels=-1)


def _deit() -> nn.Module:
    net = VisionTransformerDistilled(**_TIMM, patch_size=8, embed_dim=32, depth=3, num_heads=2)
    return _exits(net, ["blocks.0", "blocks.1"], 32, channels=-1)


def _timm_swin() -> nn.Module:
    net = swin_transformer.SwinTransformer(
        img_size=64, num_classes=CLASSES, patch_size=4, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=4
    )
    return _exits(net, ["layers.0"], 64, channels=-1)


def _mixer() -> nn.Module:
    net = mlp_mixer.MlpMixer(CLASSES, img_size=32, patch_size=8, num_blocks=3, embed_dim=32)
    return _exits(net, ["blocks.0", "blocks.1"], 32, channels=-1)


def _hugging_face() -> nn.Module:
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64,
        image_size=32, patch_size=8, num_labels=CLASSES,
    )
    return HuggingFaceExits(transformers.ViTForImageClassification(config), [1, 2])


#: What makes a network, and the height and width of its images, by where it comes from and its name.
NETWORKS: dict[tuple[str, str], tuple[Callable[[], nn.Module], int]] = {
    ("torchvision", "ResNet"): (_resnet, 64),
    ("torchvision", "MobileNetV3"): (_mobilenet, 64),
    ("torchvision", "EfficientNet"): (_efficientnet, 64),
    ("torchvision", "DenseNet"): (_densenet, 64),
    ("torchvision", "GoogLeNet"): (_googlenet, 64),
    ("torchvision", "ShuffleNetV2"): (_shufflenet, 64),
    ("torchvision", "ConvNeXt"): (_convnext, 64),
    ("torchvision", "ViT"): (_vit, 32),
    ("torchvision", "Swin"): (_swin, 64),
    ("timm", "ViT"): (_timm_vit, 32),
    ("timm", "DeiT"): (_deit, 32),
    ("timm", "Swin"): (_timm_swin, 64),
    ("timm", "MLP-Mixer"): (_mixer, 32),
    ("transformers", "ViT"): (_hugging_face, 32),
    ("PyTorch", "MSDNet"): (MultiScale, 32),
    ("PyTorch", "averaged heads"): (AveragedHeads, 32),
}
