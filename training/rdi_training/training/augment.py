"""What happens to images before they are attacked: random crop and flip, reproducible from a generator; scaling."""

import torch
import torch.nn.functional as functional
from torch import Tensor

PADDING = 4


def crop_and_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each image [N, C, H, W] by up to 4 pixels (zeros come in) and mirror half of them."""
    count, _, height, width = images.shape
    device = images.device
    top = torch.randint(2 * PADDING + 1, (count, 1), generator=generator, device=device)
    left = torch.randint(2 * PADDING + 1, (count, 1), generator=generator, device=device)
    mirrored = torch.rand((count, 1), generator=generator, device=device) < 0.5
    rows = top + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(count, width)
    columns = left + torch.where(mirrored, columns.flip(1), columns)
    padded = functional.pad(images, (PADDING,) * 4)
    which = torch.arange(count, device=device)
    # Advanced indices around the channel slice put the channels last: [N, H, W, C].
    moved = padded[which[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def scaled(images: Tensor, side: int | None) -> Tensor:
    """Images [N, C, H, W] resampled to [N, C, side, side], still in [0, 1]; None leaves them alone."""
    if side is None:
        return images
    return functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
