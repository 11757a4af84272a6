"""Run jijin study and put its summary into docs/study_results.md, so that the docs hold numbers of one run.

    python benchmarks/study.py --data DATA [--peers PEERS] -o REPORT    any words of `jijin study`

Nothing else should run on the machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "study_results.md"


def main(words: list[str]) -> None:
    """One study, then the page."""
    done = subprocess.run(["jijin", "study", *words], check=True, stdout=subprocess.PIPE, text=True)
    summary = (Path(done.stdout.strip()).parent / "summary.md").read_text(encoding="utf-8")
    shown = " ".join(f"`{word}`" if word.startswith("-") else Path(word).name for word in words)
    for path in sorted((word for word in words if "/" in word), key=len, reverse=True):
        summary = summary.replace(path, Path(path).name)  # where data lie on this machine is of no interest
    PAGE.write_text(f"<!-- Made by benchmarks/study.py: jijin study {shown}. Do not edit. -->\n\n{summary}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    main(sys.argv[1:])
