"""Command line: `python -m rdi_training COMMAND`."""

import argparse
import sys

import torch

from .cli import (
    compare_served,
    craft,
    craft_slow,
    download,
    evaluate,
    export,
    export_authors,
    held_out,
    plot,
    smoke,
    train,
)
from .memory import keep_freed_memory
from .training.trainer import CollapseError

COMMANDS = {
    "download": download,
    "train": train,
    "export": export,
    "export-authors": export_authors,
    "held-out": held_out,
    "craft": craft,
    "craft-slow": craft_slow,
    "evaluate": evaluate,
    "compare-served": compare_served,
    "plot": plot,
    "smoke": smoke,
}


def main(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit status, 2 for what the user can put right."""
    parser = argparse.ArgumentParser(prog="python -m rdi_training", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or "").partition("\n")[0]
        command.add_arguments(subparsers.add_parser(name, help=summary, description=summary))
    options = parser.parse_args(arguments)
    torch.set_flush_denormal(True)  # vanishing gradients would otherwise slow a CPU down manyfold
    keep_freed_memory()
    try:
        return COMMANDS[options.command].run(options)
    except (CollapseError, FileNotFoundError, ValueError) as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
