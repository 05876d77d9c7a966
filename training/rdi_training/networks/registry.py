"""Networks by the name that configurations and checkpoints use."""

from collections.abc import Callable

from .multi_exit import MultiExitNetwork
from .small_cnn import rdi_small_cnn

NETWORKS: dict[str, Callable[..., MultiExitNetwork]] = {
    "rdi-smallcnn": rdi_small_cnn,
}


def build_network(name: str, classes: int) -> MultiExitNetwork:
    """Build a network with freshly drawn weights; unknown names are a ValueError that lists the known ones."""
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}; known: {', '.join(sorted(NETWORKS))}")
    return NETWORKS[name](classes=classes)
