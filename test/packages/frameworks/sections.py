"""Takes docs/networks.md apart: for each section with Python a folder with export.py, commands.sh and labels.txt.

usage: python sections.py PAGE FOLDER
"""

import re
import sys
from pathlib import Path

CLASSES = 10


def main(page: Path, folder: Path) -> None:
    sections = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]
    for section in sections:
        title = section.split("\n", 1)[0]
        code = dict(re.findall(r"^```(python|sh)\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL))
        if "python" not in code:
            continue
        target = folder / re.sub(r"\W+", "-", title.lower())
        target.mkdir()
        (target / "export.py").write_text(code["python"])
        (target / "commands.sh").write_text(code["sh"])
        (target / "labels.txt").write_text("".join(f"class {index}\n" for index in range(CLASSES)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
