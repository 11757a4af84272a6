from dataclasses import replace

import pandas as pd
import pytest

from jijin.errors import DataError
from jijin.evaluate.continuous import agreement, agreements, shared
from pickers import picker, step_trace

OTHERS = ("eqt", "phasenet", "gpd", "eqcct")
TRACE = replace(step_trace(3000, 3500), dataset="continuous/here", name="STA")


def picks(*rows):
    columns = ["picker", "phase", "sample", "probability"]
    return pd.DataFrame(rows, columns=columns).assign(dataset="continuous/here", trace_name="STA")


def test_three_pickers_make_a_shared_arrival():
    table = picks(*((name, "P", 1000 + k, 0.8) for k, name in enumerate(OTHERS[:3])), (OTHERS[0], "P", 4000, 0.9))
    assert shared(table) == [1001]
    assert shared(table[1:]) == [] and shared(table.assign(probability=0.2)) == []


def test_what_only_one_side_has_is_counted_on_that_side():
    table = picks(
        *((name, "P", 3010, 0.8) for name in OTHERS[:3]),
        *((name, "P", 7000, 0.8) for name in OTHERS[1:]),
        ("gpd", "S", 9000, 0.9),
    )
    (p, s), (at_p, at_s) = agreement(picker(), TRACE, table)
    assert (p.shared, p.ours, p.ours_alone, p.theirs_alone) == (2, 1, 0, 1) and p.recall == 0.5
    assert (s.shared, s.ours, s.ours_alone) == (0, 1, 1)
    assert at_p.theirs_alone == (7000.0,) and at_s.ours_alone == pytest.approx((3500.0,), abs=1)


def test_a_table_of_two_pickers_cannot_share_what_three_have_to():
    table = picks(("eqt", "P", 3000, 0.9), ("gpd", "P", 3000, 0.9))
    with pytest.raises(DataError, match="an arrival is what 3 pickers share; the table has eqt, gpd"):
        agreements([picker()], [TRACE], table)
