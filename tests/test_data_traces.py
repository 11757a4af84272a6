from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from jijin.data.labels import Labels
from jijin.data.teachers import SHARP, complete, complete_all, consensus, overlook
from jijin.data.traces import DETECTION, TARGET_DEVIATION, LabelledTrace, P, S, detections, from_labels, targets

SILENCE = np.zeros((3, 9000), np.float32)


def labels(p, s, p_status="labelled", s_status="labelled", category="earthquake"):
    return Labels("t", p, s, p_status, s_status, np.nan, category, "g", np.nan, np.nan, "earthquake", "", "set")


def picks(*rows):
    columns = ["dataset", "trace_name", "picker", "phase", "sample", "probability"]
    return pd.DataFrame([("set", "t", *row) for row in rows], columns=columns)


def test_a_target_is_one_at_the_onset_also_between_samples():
    y, w = targets(LabelledTrace(SILENCE, (3000.5,), (3400.0,)), 1000, 6000)
    assert y[P].argmax() in (2000, 2001) and y[P, 2000] == pytest.approx(y[P, 2001])
    assert y[S, 2400] == 1.0 and y[S].argmax() == 2400
    assert y[DETECTION, 2000] == 1 and not y[DETECTION, :1999].any()
    assert (w == 1).all()


def test_the_detection_ends_1_4_s_minus_p_after_s():
    assert detections(LabelledTrace(SILENCE, (1000.0,), (1500.0,))) == [(1000.0, 2200.0)]


def test_two_events_give_two_detections():
    trace = LabelledTrace(SILENCE, (1000.0, 4000.0), (1500.0, 4200.0))
    assert detections(trace) == [(1000.0, 2200.0), (4000.0, 4480.0)]


def test_an_unpicked_s_is_masked_after_p_and_not_before():
    trace = from_labels(SILENCE, labels(3000.0, np.nan, s_status="unlabelled"))
    y, w = targets(trace, 0, 6000)
    assert y[P, 3000] == 1 and not y[S].any()
    assert (w[S, :3000] == 1).all() and not w[S, 3010:].any()
    assert (w[P] == 1).all()


def test_noise_asks_for_silence_everywhere():
    y, w = targets(from_labels(SILENCE, labels(np.nan, np.nan, "absent", "absent", "noise")), 0, 6000)
    assert not y.any() and (w == 1).all()


def test_a_window_that_cuts_a_label_off_keeps_its_flank():
    y, _ = targets(LabelledTrace(SILENCE, (1000.0,)), 1005, 6000)
    assert y[P, 0] == pytest.approx(np.exp(-0.5 * (5 / TARGET_DEVIATION[P]) ** 2))


def test_three_pickers_make_an_onset_and_one_makes_a_doubt():
    table = picks(("a", "P", 1000, 0.9), ("b", "P", 1010, 0.8), ("c", "P", 1020, 0.7), ("a", "P", 5000, 0.9))
    found = consensus(table)
    assert found.agreed[P] == [1010.0] and found.doubtful[P] == [5000.0]
    assert consensus(table, noise=True).doubtful[P] == []


def test_a_missing_s_is_filled_in_and_no_longer_masked():
    trace = from_labels(SILENCE, labels(1000.0, np.nan, s_status="unlabelled"))
    found = consensus(picks(*((name, "S", 1500, 0.8) for name in "abc")))
    done = complete(trace, found)
    assert done.s == (1500.0,)
    assert all(output != S for output, *_ in done.masked)


def test_an_automatic_label_is_retimed_and_a_manual_one_is_not():
    found = consensus(picks(*((name, "P", 1012, 0.8) for name in "abc")))
    trace = LabelledTrace(SILENCE, (1000.0,), dataset="set", name="t")
    assert complete(replace(trace, automatic=(P, S)), found).p == (1012.0,)
    assert complete(trace, found).p == (1000.0,)


def test_of_a_machines_s_beside_an_analysts_p_only_s_moves():
    found = consensus(picks(*((name, phase, x, 0.8) for name in "abc" for phase, x in (("P", 1012), ("S", 2012)))))
    trace = LabelledTrace(SILENCE, (1000.0,), (2000.0,), dataset="set", name="t", automatic=(S,))
    done = complete(trace, found)
    assert done.p == (1000.0,) and done.s == (2012.0,)


def test_a_detection_is_taught_where_the_missing_s_is_filled_in_unless_p_is_unknown():
    found = consensus(picks(*((name, "S", 1500, 0.8) for name in "abc")))
    known = complete(from_labels(SILENCE, labels(1000.0, np.nan, s_status="unlabelled")), found)
    y, w = targets(known, 0, 6000)
    assert w[DETECTION].all() and y[DETECTION, 1200] == 1
    unknown = replace(known, p=(), masked=((DETECTION, 0, 6000),), s=())
    assert not targets(complete(unknown, found), 0, 6000)[1][DETECTION].any()


def test_where_sharp_pickers_have_an_s_is_kept_beside_its_label_unless_it_is_weak_or_no_later_than_p():
    sharp = [(SHARP[0], "S", 1030, 0.8), (SHARP[1], "S", 1990, 0.4)]
    others = [
        ("blunt", "S", 2010, 0.8),
        (SHARP[0], "S", 2005, 0.2),
        (SHARP[2], "S", 975, 0.9),
        (SHARP[2], "P", 2000, 0.8),
    ]
    done = complete(LabelledTrace(SILENCE, (970.0,), (1000.0, 2000.0)), consensus(picks(*sharp, *others)))
    assert done.s == (1000.0, 2000.0) and done.s_elsewhere == ((1030,), (1990,))


@pytest.mark.parametrize(("off", "stays"), [(80, False), (120, True)])
def test_an_automatic_label_near_an_agreed_onset_is_no_second_one(off, stays):
    found = consensus(picks(*((name, "P", 1000 + off, 0.8) for name in "abc"), ("a", "P", 1000, 0.2)))
    trace = LabelledTrace(SILENCE, (1000.0,), dataset="set", name="t", automatic=(P, S))
    assert complete(trace, found).p == ((1000.0,) if stays else ()) + (1000.0 + off,)


def test_an_automatic_label_that_no_picker_sees_is_masked_and_a_manual_one_stays():
    trace = LabelledTrace(SILENCE, (1000.0,), (2000.0,), dataset="set", name="t")
    found = consensus(picks(("a", "S", 2010, 0.15)))
    automatic, manual = (complete(replace(trace, automatic=x), found) for x in ((P, S), ()))
    assert automatic.p == () and automatic.s == (2000.0,) and manual.p == (1000.0,)
    y, w = targets(automatic, 0, 6000)
    assert not y[P].any() and not w[P, 900:1100].any() and (w[P, 1100:] == 1).all()
    assert not w[DETECTION, 1000:3400].any() and (w[DETECTION, 3400:] == 1).all()  # as long as the earthquake was
    unlooked = complete(replace(trace, automatic=(P, S)), consensus(picks()))
    assert unlooked.p == (1000.0,)  # nobody has looked, or nobody could see


def test_doubtful_onsets_are_masked_and_traces_without_picks_stay():
    traces = [LabelledTrace(SILENCE, dataset="set", name="t"), LabelledTrace(SILENCE, dataset="set", name="other")]
    first, second = complete_all(traces, picks(("a", "P", 4000, 0.5)))
    _, w = targets(first, 0, 6000)
    assert not w[P, 3900:4100].any() and (w[P, :3899] == 1).all()
    assert second.masked == () and second.onsets == ()


def test_automatic_labels_that_nothing_retimes_move_by_the_median_of_their_data_set():
    about = {"dataset": "set", "automatic": (P, S)}
    traces = [LabelledTrace(SILENCE, (1000.0,), name=f"t{k}", **about) for k in range(12)]
    by_hand = replace(traces[-1], automatic=())  # of the same data set
    table = pd.concat([picks(*((a, "P", 1009, 0.8) for a in "abc")).assign(trace_name=f"t{k}") for k in range(11)])
    *_, automatic, manual = complete_all([*traces, by_hand], table)
    assert automatic.p == (1009.0,) and manual.p == (1000.0,)
    assert complete_all(traces[2:], table[:27])[-1].p == (1000.0,)  # nine are too few to tell


def test_what_two_pickers_find_and_nobody_labelled_counts_neither_way():
    table = picks(
        ("a", "P", 4000, 0.5), ("b", "P", 4010, 0.4),  # two of them
        ("a", "P", 1030, 0.9), ("b", "P", 1040, 0.9),  # a label is near
        ("a", "P", 5000, 0.9), ("b", "P", 5000, 0.2),  # only one is sure
        ("a", "S", 2500, 0.9), ("b", "S", 2500, 0.9),
    )  # fmt: skip
    traces = [LabelledTrace(SILENCE, (1000.0,), dataset="set", name=name) for name in ("t", "other")]
    first, second = overlook(traces, table)
    assert first.masked == ((P, 3945, 4065), (S, 2440, 2560)) and second.masked == ()
    assert first.p == (1000.0,)
