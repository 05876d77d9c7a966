"""Readers against files written here, and splits that do not overlap."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rdi_training.cli.held_out import write_images
from rdi_training.data.cifar10 import BINARY_FOLDER, CLASSES, load_cifar10
from rdi_training.data.image_folder import load_image_folder
from rdi_training.data.image_set import ImageSet, as_pixels, hold_out
from rdi_training.data.mnist import load_mnist, read_idx
from rdi_training.data.registry import is_jpeg, load_split
from rdi_training.data.stripes import draw_stripes


def write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


@pytest.mark.parametrize("prefix", ["test", "t10k"])
def test_mnist_reads_both_names(prefix: str, tmp_path: Path) -> None:
    pixels = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256
    write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", pixels)
    write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.array([7, 1]))
    images = load_mnist(tmp_path, "test")
    assert images.images.shape == (2, 1, 28, 28)
    assert images.images[1, 0, 27, 27] == pixels[1, 27, 27]
    assert images.labels.tolist() == [7, 1]


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="download mnist"):
        load_mnist(tmp_path, "train")


def test_a_damaged_idx_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.gz"
    path.write_bytes(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 5) + b"abc"))
    with pytest.raises(ValueError, match="promises"):
        read_idx(path)
    path.write_bytes(gzip.compress(b"no header at all"))
    with pytest.raises(ValueError, match="not an IDX file"):
        read_idx(path)


def test_cifar10_binary(tmp_path: Path) -> None:
    folder = tmp_path / BINARY_FOLDER
    folder.mkdir()
    record = np.zeros(3073, dtype=np.uint8)
    record[0], record[1], record[1 + 1024 + 33] = 4, 11, 22
    (folder / "test_batch.bin").write_bytes(record.tobytes() * 2)
    images = load_cifar10(tmp_path, "test")
    assert images.labels.tolist() == [4, 4]
    assert images.images[0, 0, 0, 0] == 11
    assert images.images[0, 1, 1, 1] == 22


def test_cifar10_zip(tmp_path: Path) -> None:
    (tmp_path / "cifar10").mkdir()
    with zipfile.ZipFile(tmp_path / "cifar10" / "test.zip", "w") as archive:
        for name, colour in (("frog", (10, 200, 30)), ("airplane", (90, 100, 210))):
            encoded = io.BytesIO()
            Image.new("RGB", (32, 32), colour).save(encoded, "JPEG")
            archive.writestr(f"test/{name}/0000.jpg", encoded.getvalue())
    images = load_split("cifar10", tmp_path, "test")
    assert [CLASSES[label] for label in images.labels.tolist()] == ["airplane", "frog"]
    assert (images.images[1, :, 5, 5].float() - torch.tensor([10.0, 200.0, 30.0])).abs().max() < 6
    assert is_jpeg("cifar10", tmp_path)


def test_image_folder(tmp_path: Path) -> None:
    for name, level in (("cat", 10), ("ant", 250)):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.new("L", (6, 4), level).save(tmp_path / "train" / name / "one.png")
    (tmp_path / "train" / "ant" / "notes.txt").write_text("not an image")
    images = load_image_folder(tmp_path, "train")
    assert images.classes == ("ant", "cat")
    assert images.images.shape == (2, 1, 4, 6)
    assert images.images[:, 0, 0, 0].tolist() == [250, 10]
    Image.new("RGB", (6, 4)).save(tmp_path / "train" / "cat" / "two.png")
    assert load_image_folder(tmp_path, "train").images.shape == (3, 3, 4, 6)
    Image.new("L", (9, 9)).save(tmp_path / "train" / "cat" / "three.png")
    with pytest.raises(ValueError, match="different sizes"):
        load_image_folder(tmp_path, "train")
    with pytest.raises(ValueError, match="no images"):
        load_image_folder(tmp_path, "test")


def test_held_out_images_are_never_trained_on() -> None:
    images = draw_stripes(100, seed=1)
    trained, held_out = hold_out(images, 30, seed=2)
    assert (len(trained), len(held_out)) == (70, 30)
    rows = torch.cat([trained.images, held_out.images]).flatten(1)
    assert len(rows.unique(dim=0)) == len(images.images.flatten(1).unique(dim=0)) == 100
    again, _ = hold_out(images, 30, seed=2)
    assert torch.equal(trained.images, again.images)
    with pytest.raises(ValueError, match="cannot hold out"):
        hold_out(images, 100, seed=2)


def test_pixels_are_in_the_unit_range() -> None:
    assert as_pixels(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [0, 1]


def test_held_out_images_come_back_from_their_folder(tmp_path: Path) -> None:
    pixels = torch.randint(0, 256, (3, 1, 5, 4), dtype=torch.uint8)
    write_images(ImageSet(pixels, torch.tensor([1, 0, 1]), ("a", "b")), tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")) == [
        "a/00001.png",
        "b/00000.png",
        "b/00002.png",
    ]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b/00002.png")), pixels[2, 0].numpy())
    colour = torch.randint(0, 256, (1, 3, 5, 4), dtype=torch.uint8)
    write_images(ImageSet(colour, torch.tensor([0]), ("a", "b")), tmp_path / "colour")
    read = np.asarray(Image.open(tmp_path / "colour/a/00000.png"))
    assert np.array_equal(read, colour[0].permute(1, 2, 0).numpy())
