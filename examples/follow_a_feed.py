"""Feed a Detector as a live stream would: a second at a time, picks printed as soon as they are certain.

The record is the one that ObsPy ships; put your own source of Traces or Segments in its place.
"""

import obspy

import jijin


def main() -> None:
    detector = jijin.Detector()
    record = obspy.read()
    for packet in record.slide(window_length=1.0, step=1.0, include_partial_windows=True):
        for pick in detector.feed(packet):
            print("now:", pick.seed_id, pick.phase_hint, pick.time)
    for pick in detector.flush():
        print("at the end:", pick.seed_id, pick.phase_hint, pick.time)


if __name__ == "__main__":
    main()
