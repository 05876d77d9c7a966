"""RDI-SmallCNN for MNIST (Triple Wins, section 4.1), and its single-exit baseline.

Side exits stand after the first and the third convolution, where the paper has them. No padding anywhere.
"""

from torch import nn

from .multi_exit import MultiExitNetwork

IMAGE_SHAPE = (1, 28, 28)


def rdi_small_cnn(classes: int = 10) -> MultiExitNetwork:
    """Build RDI-SmallCNN: two side exits and the final one.

    The backbone costs 9.95 M multiply-accumulates, the two side heads together 4.6 % of that. Exit 0 stands at
    2 % of the backbone and exit 1 at 74 %, so exit 0 gets nearly the whole budget: it alone can save much.
    """
    stages = _stages()
    heads = [
        nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, stride=2),  # 32 x 6 x 6
            nn.ReLU(),
            nn.Flatten(1),
            nn.Linear(32 * 6 * 6, 64),
            nn.ReLU(),
            nn.Linear(64, classes),
        ),
        nn.Sequential(nn.MaxPool2d(2), nn.Flatten(1), nn.Linear(64 * 5 * 5, 32), nn.ReLU(), nn.Linear(32, classes)),
        _final_head(classes),
    ]
    return MultiExitNetwork(stages, heads, IMAGE_SHAPE)


def small_cnn(classes: int = 10) -> MultiExitNetwork:
    """The plain SmallCNN: one stage, one exit. Trained alike, it is the defended baseline."""
    return MultiExitNetwork([nn.Sequential(*_stages())], [_final_head(classes)], IMAGE_SHAPE)


def _stages() -> list[nn.Sequential]:
    """The backbone, cut at its side exits."""
    return [
        nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU()),  # 32 x 26 x 26
        nn.Sequential(
            nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU()
        ),  # 64 x 10 x 10
        nn.Sequential(nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),  # 64 x 4 x 4
    ]


def _final_head(classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(1),
        nn.Linear(64 * 4 * 4, 200),
        nn.ReLU(),
        nn.Linear(200, 200),
        nn.ReLU(),
        nn.Linear(200, classes),
    )
