"""Exports MobileNetV2 of keras.applications with two early exits, all of them ending in a Softmax."""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from cases import CLASSES, count_flops, images, randomise, write_case
from keras import layers

SIZE = 64


def export_keras(folder: Path) -> None:
    keras.utils.set_random_seed(1)
    base = keras.applications.MobileNetV2((SIZE, SIZE, 3), alpha=0.35, weights=None, classes=CLASSES)
    exits = []
    for block in ("block_3_project_BN", "block_6_project_BN"):
        pooled = layers.GlobalAveragePooling2D()(base.get_layer(block).output)
        exits.append(layers.Dense(CLASSES, activation="softmax")(pooled))
    net = keras.Model(base.input, [*exits, base.output])
    randomise(net)

    pixels = images(SIZE)
    values = torch.from_numpy(pixels.astype(np.float32) / 255)
    with torch.no_grad():
        answers = net(values, training=False)
    name = "keras-mobilenetv2"
    net.export(folder / f"{name}.onnx", format="onnx", verbose=False)
    write_case(
        folder / f"{name}.json", "Keras", "MobileNetV2", "model.export",
        pixels, [one.numpy() for one in answers], count_flops(net, values[:1]), are_probabilities=True,
    )
