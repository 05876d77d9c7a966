"""Runs preprocessing pipelines over photographs and writes what comes out, for compare.ts.

Each result is a file of float32 [height, width, 3] in grey levels; expected-NAME.json lists them, each with the input of a
manifest that says the same as the pipeline.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE = 224

# By the name of a pipeline: what it makes of a file, and the same as the input of a manifest.
Pipelines = dict[str, tuple[Callable[[Path], np.ndarray], dict[str, object]]]


def write_expected(folder: Path, name: str, pipelines: Pipelines) -> None:
    listed = []
    for photo in sorted((folder / "photos").iterdir()):
        for number, (pipeline, (run, says)) in enumerate(pipelines.items()):
            file = f"{name}-{photo.stem}-{number}.f32"
            run(photo).astype("<f4").tofile(folder / file)
            says = {"colourProfile": "ignore", **says}
            listed.append({"photo": f"photos/{photo.name}", "pipeline": pipeline, "says": says, "pixels": file})
    (folder / f"expected-{name}.json").write_text(json.dumps(listed, indent=1))
