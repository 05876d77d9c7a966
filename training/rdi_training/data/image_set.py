"""What every loader returns: all images of one split in memory, and its division into trained and held out."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageSet:
    """Images uint8 [N, C, H, W] with labels int64 [N] and the names of the classes."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "ImageSet":
        """The images at these indices, in this order."""
        return ImageSet(self.images[indices], self.labels[indices], self.classes)

    def to(self, device: torch.device) -> "ImageSet":
        """The same images on another device."""
        return ImageSet(self.images.to(device), self.labels.to(device), self.classes)

    def fingerprint(self) -> str:
        """SHA-256 of the labels in their order: copies of a data set agree, other images or another order do not.

        Pixels are left out, since decoders of JPEG differ in the last bit.
        """
        return hashlib.sha256(self.labels.cpu().numpy().astype("<i8").tobytes()).hexdigest()

    def sample(self, count: int, seed: int) -> "ImageSet":
        """A seeded draw of `count` images without replacement; all of them, in order, if there are no more."""
        if count >= len(self):
            return self
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self.take(order[:count])


def hold_out(training: ImageSet, count: int, seed: int) -> tuple[ImageSet, ImageSet]:
    """Split the training images into (trained on, held out); the held-out ones choose thresholds.

    The split depends on the seed and on the number of images alone.
    """
    if not 0 < count < len(training):
        raise ValueError(f"cannot hold out {count} of {len(training)} images")
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))
    return training.take(order[count:]), training.take(order[:count])


def as_pixels(images: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1], the only input scale that the networks know."""
    return images.to(torch.float32) / 255
