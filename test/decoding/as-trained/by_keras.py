"""What Keras, on TensorFlow, makes of photographs. Usage: python by_keras.py <folder with photos/>"""

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from expected import SIZE, Pipelines, write_expected

TENSORFLOW = {"antialias": False}


def keras_load(**options: object) -> Callable[[Path], np.ndarray]:
    return lambda path: keras.utils.img_to_array(keras.utils.load_img(path, target_size=(SIZE, SIZE), **options))


def keras_layer(**options: object) -> Callable[[Path], np.ndarray]:
    layer = keras.layers.Resizing(SIZE, SIZE, **options)
    return lambda path: np.asarray(layer(keras.utils.img_to_array(keras.utils.load_img(path))))


def keras_data_set(path: Path) -> np.ndarray:
    """What image_dataset_from_directory does with each file, which it cannot be asked to do with one."""
    decoded = tf.io.decode_image(tf.io.read_file(str(path)), channels=3, expand_animations=False)
    return tf.image.resize(decoded, (SIZE, SIZE), method="bilinear").numpy()


PIPELINES: Pipelines = {
    "Keras: load_img": (keras_load(), {"resize": "fill", "interpolation": "nearest"}),
    "Keras: load_img, lanczos, aspect ratio kept": (
        keras_load(interpolation="lanczos", keep_aspect_ratio=True),
        {"resize": "cover", "interpolation": "lanczos"},
    ),
    "Keras: Resizing": (keras_layer(), {"resize": "fill", "interpolation": "bilinear", **TENSORFLOW}),
    "Keras: Resizing, bicubic": (
        keras_layer(interpolation="bicubic"),
        {"resize": "fill", "interpolation": "bicubic", **TENSORFLOW},
    ),
    "Keras: Resizing, antialiased": (
        keras_layer(antialias=True),
        {"resize": "fill", "interpolation": "bilinear"},
    ),
    "Keras: Resizing, cropped to the aspect ratio": (
        keras_layer(crop_to_aspect_ratio=True),
        {"resize": "cover", "interpolation": "bilinear", **TENSORFLOW},
    ),
    "Keras: Resizing, padded to the aspect ratio": (
        keras_layer(pad_to_aspect_ratio=True),
        {"resize": "contain", "interpolation": "bilinear", **TENSORFLOW},
    ),
    "Keras: image_dataset_from_directory": (
        keras_data_set,
        {"resize": "fill", "interpolation": "bilinear", **TENSORFLOW},
    ),
}

if __name__ == "__main__":
    write_expected(Path(sys.argv[1]), "keras", PIPELINES)
