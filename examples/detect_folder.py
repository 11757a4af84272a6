"""Pick a folder of waveforms and print what was found, P and S of one earthquake at one station on one line.

python examples/detect_folder.py FOLDER
"""

import sys
from itertools import groupby

import jijin
from jijin import Pick


def line(picks: list[Pick]) -> str:
    """Station, P, and the time from P to S where both are there."""
    first = {pick.phase_hint: pick for pick in reversed(picks)}
    text = "  ".join(f"{phase} {pick.time} ({pick.probability:.2f})" for phase, pick in sorted(first.items()))
    if len(first) == 2:
        text += f"  S-P {first['S'].time - first['P'].time:.2f} s"
    return f"{picks[0].seed_id[:-1]:15} {text}"


def together(pick: Pick) -> tuple[str, int]:
    """What picks of one earthquake at one instrument share: the detection; without one a pick is by itself."""
    return pick.seed_id[:-1], pick.detection.start_ns if pick.detection else pick.time_ns


def main(folder: str) -> None:
    picks = jijin.pick(jijin.read(folder))
    for _, group in groupby(sorted(picks, key=together), key=together):
        print(line(sorted(group, key=lambda pick: pick.time_ns)))


if __name__ == "__main__":
    main(sys.argv[1])
