"""`download`: fetch a public data set from its publisher."""

import argparse
from pathlib import Path

from ..data.registry import DOWNLOADS, data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("dataset", choices=sorted(DOWNLOADS))
    parser.add_argument("--data", type=Path, help="folder to put it under (RDI_DATA)")


def run(options: argparse.Namespace) -> int:
    """Fetch what is not there yet."""
    folder = data_folder(options.data) / options.dataset
    DOWNLOADS[options.dataset](folder)
    print(f"{options.dataset} is in {folder}")
    return 0
