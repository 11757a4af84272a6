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
    return f"{picks[0].seed_id[:-3]:12} {text}"


def main(folder: str) -> None:
    picks = [pick for pick in jijin.pick(jijin.read(folder)) if pick.detection]
    picks.sort(key=lambda pick: (pick.detection.start_ns, pick.seed_id[:-1], pick.time_ns))
    for _, group in groupby(picks, key=lambda pick: (pick.detection, pick.seed_id[:-1])):
        print(line(list(group)))


if __name__ == "__main__":
    main(sys.argv[1])
