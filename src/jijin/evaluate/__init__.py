"""Pickers against labels: jijin and its peers through the same code, a file for each thing that is measured.

    windows       what is looked at: 60 s of data, their labels, and the stretches that count neither way
    matching      picks from curves, and which label each belongs to
    pickers       a model or a peer by its curves and thresholds
    scores        precision, recall, F1 and residuals, false picks an hour
    groups        the same by signal-to-noise ratio, distance and data set
    benchmark     the pick benchmark of Münchmeyer et al. (2022): AUC, MCC, residuals
    shift         the same record at many offsets: which picks come and go
    position      onsets near the borders of a window, and on its whole seconds
    conditions    components, rates, gaps, clipping, two events, cut records
    calibration   whether a time uncertainty and a probability mean what they say
    noise         false picks of real noise and of disturbances
    continuous    agreement with other pickers on continuous records
    protocols     all of these by name

residual = pick - label, in seconds. Intervals are bootstrapped by earthquake (source_group), since records of one event
are not independent.
"""

from __future__ import annotations

from jijin.evaluate.matching import TOLERANCE_S, Picks, find_picks, match
from jijin.evaluate.pickers import load_peers, predict_with
from jijin.evaluate.scores import (
    QUIET,
    THRESHOLDS,
    Report,
    Score,
    best_thresholds,
    count,
    counts_at,
    evaluate,
    score,
    summary,
)
from jijin.evaluate.windows import Window, evaluation_windows, window_at

__all__ = [
    "QUIET",
    "THRESHOLDS",
    "TOLERANCE_S",
    "Picks",
    "Report",
    "Score",
    "Window",
    "best_thresholds",
    "count",
    "counts_at",
    "evaluate",
    "evaluation_windows",
    "find_picks",
    "load_peers",
    "match",
    "predict_with",
    "score",
    "summary",
    "window_at",
]
