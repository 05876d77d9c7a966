"""A run's log: one JSON object per line, flushed at once, so that plots and people can follow."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Log = Callable[..., None]


def open_log(path: Path) -> Log:
    """A function log(event, **values) that appends to `path`; a resumed run goes on in the same file."""

    def log(event: str, **values: object) -> None:
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **values})
        with path.open("a") as file:
            file.write(line + "\n")

    return log
