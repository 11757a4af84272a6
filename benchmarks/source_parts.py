"""Parts of docs/source_type.md: what classifiers, regions, components, context and a few blasts of one's own do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import page
from jijin.data.source import SYNTHETIC, seen
from jijin.discriminate import DiscriminateConfig, SourceModel
from jijin.discriminate.classes import ANTHROPOGENIC, CLASSES, EARTHQUAKE, EXPLOSION, KINDS, LANDSLIDE, NOISE
from jijin.discriminate.context import ContextConfig, context, local_hour
from jijin.discriminate.features import NAMES, features
from jijin.evaluate.scores import auc
from jijin.evaluate.source import Outcome, blast_scores, confusion, tables
from jijin.train.source import FOLDS, folds, gathered, tell, train_source
from jijin.train.source_fit import (
    KIND_SHARE,
    TELLING,
    USED,
    Sample,
    Setting,
    fit_blasts,
    fit_kinds,
    sample_of,
    usable,
    weights,
)
from jijin.train.source_run import outcome_of
from jijin.types import Origin

BLASTS = "pnw_explosions"
REPEATS = 5
EVEN_CERTAINTY = 0.0
Array = NDArray[np.float64]
Fit = Callable[[Array, NDArray[np.bool_], Array, Array], Array]


def markdown(heads: list[str], lines: Iterable[Sequence[object]]) -> str:
    """A table of two decimals; a number that is missing is left blank where jijin.evaluate has made it text too."""
    shown = [["" if cell in ("nan", "nan-nan") else cell for cell in line] for line in lines]
    return page.table(heads, shown, ".2f")


def main_tables(outcome: Outcome) -> dict[str, str]:
    """Confusions, by class, reliability, explosion against earthquake; at the default prior and classes alike."""
    config = DiscriminateConfig()
    found = dict(zip(
        ("by_class", "by_set", "recall", "reliability", "blasts"),
        (markdown(heads, lines) for _, heads, lines in tables(outcome, config.prior, config.certainty)), strict=True,
    ))  # fmt: skip
    told = outcome.told(None, EVEN_CERTAINTY)
    truth = [(name, outcome.y == k) for k, name in enumerate(outcome.classes) if (outcome.y == k).any()]
    heads = ["", "units", *outcome.classes, "not determined"]
    return {**found, "alike": markdown(heads, confusion(outcome, told, truth))}


def classifiers(table: pd.DataFrame, encoder: Array | None) -> str:
    """Explosion against earthquake within one network, by event, cross-validated: mean and range over REPEATS deals.

    encoder : (row, channel) of the CBA's deep layer around P for each row of the blasts' data set, or None.
    """
    own = table[(table["dataset"] == BLASTS) & (table["p_probability"] >= 0.3)].reset_index(drop=True)
    rest = usable(table[(table["dataset"] != BLASTS) & (table["dataset"] != SYNTHETIC)])
    made = usable(table[table["dataset"] == SYNTHETIC])
    x = own[list(NAMES)].to_numpy(float)
    none = rest.iloc[:0]
    trials: list[tuple[str, pd.DataFrame, Array, pd.DataFrame, Fit]] = [
        ("P/S ratios, regression", own, _columns(own, TELLING[:4]), none, regression),
        ("P/S, spectra, Rg (10 features), regression", own, _columns(own, TELLING), none, regression),
        ("the same, with earthquakes of other regions", own, _columns(own, TELLING), rest, regression),
        ("the same, and synthetic blasts", own, _columns(own, TELLING), pd.concat([rest, made]), regression),
        ("all features, regression", own, _columns(own, USED), rest, regression),
        ("10 features, boosted trees", own, _columns(own, TELLING), rest, boosted),
        ("all features, boosted trees", own, _columns(own, USED), rest, boosted),
        ("probabilities of P and S alone (the curves), regression", own, x[:, -2:], none, regression),
    ]
    if encoder is not None:
        trials.append(("CBA's encoder, regression on its channels", own, encoder, none, regression))
    lines = [[name, *_repeated(own, data, more, fit)] for name, _, data, more, fit in trials]
    return markdown(["classifier", "AUC by event", "range over deals", "balanced accuracy"], lines)


def _columns(table: pd.DataFrame, names: tuple[str, ...]) -> Array:
    return table[list(names)].to_numpy(float)


def _repeated(own: pd.DataFrame, x: Array, more: pd.DataFrame, fit: Fit) -> tuple[object, ...]:
    """AUC and balanced accuracy of events that were held out, rows of an event averaged."""
    names = list(TELLING) if x.shape[1] == len(TELLING) else list(USED)
    extra = more[more["class"].isin((EARTHQUAKE, EXPLOSION))]
    ex = extra[names[: x.shape[1]]].to_numpy(float) if len(extra) else np.zeros((0, x.shape[1]))
    joined = pd.concat([own, extra], ignore_index=True)
    blast, data = (joined["class"] == EXPLOSION).to_numpy(), np.concatenate([x, ex])
    sample = Sample(
        data, *(joined[name].to_numpy(str) for name in ("class", "group", "group")),
        (joined["dataset"] == SYNTHETIC).to_numpy(),
    )  # fmt: skip
    mine, areas, shares = np.arange(len(own)), [], []
    for seed in range(REPEATS):
        fold, odds = folds(sample.part(mine), FOLDS, seed), np.zeros(len(own))
        for k in range(FOLDS):
            train = np.concatenate([fold != k, np.ones(len(extra), bool)])
            w = weights(sample.classes[train], sample.part(train), 0.3)
            odds[fold == k] = fit(data[train], blast[train], w, x[fold == k])
        events = pd.DataFrame({"odds": odds, "blast": blast[mine], "group": own["group"]}).groupby("group").mean()
        score, true = events["odds"].to_numpy(), events["blast"].to_numpy() > 0.5
        areas.append(auc(true, score))
        shares.append(((score[true] > 0).mean() + (score[~true] <= 0).mean()) / 2)
    return np.mean(areas), f"{min(areas):.2f}-{max(areas):.2f}", np.mean(shares)


def regression(x: Array, blast: NDArray[np.bool_], w: Array, held: Array) -> Array:
    """Log odds by a ridge-held logistic regression, missing values at the mean."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = np.nanmean(x, 0), np.maximum(np.nanstd(x, 0), 1e-6)

    def z(a: Array) -> Array:
        return np.clip(np.nan_to_num((a - mean) / scale), -4, 4)

    fitted = LogisticRegression(C=1 / 0.03 / len(w), max_iter=500).fit(z(x), blast, sample_weight=w * len(w))
    return np.asarray(fitted.decision_function(z(held)))


def boosted(x: Array, blast: NDArray[np.bool_], w: Array, held: Array) -> Array:
    """Log odds by gradient-boosted trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.06, max_leaf_nodes=4, min_samples_leaf=20, early_stopping=False, random_state=0
    )
    return np.asarray(trees.fit(x, blast, sample_weight=w * len(w)).decision_function(held))


def kinds(table: pd.DataFrame) -> str:
    """Kinds of source by a regression and by trees, on the same features and folds."""
    from sklearn.linear_model import LogisticRegression

    sample = sample_of(usable(table))
    fold, names, truth = folds(sample), sorted(set(sample.real.kinds.tolist())), sample.kinds
    scores = {name: np.zeros((len(fold), len(KINDS))) for name in ("regression", "boosted trees")}
    x = sample.x[:, [NAMES.index(name) for name in USED]]
    for k in range(FOLDS):
        train, test = (fold != k) | sample.synthetic, (fold == k) & ~sample.synthetic
        part = sample.part(train)
        mean, scale = np.nanmean(x[train], 0), np.nanstd(x[train], 0)
        z = np.clip(np.nan_to_num((x - mean) / scale), -4, 4)
        w = weights(part.kinds, part, KIND_SHARE) * len(part.x)
        fitted = LogisticRegression(max_iter=500).fit(z[train], truth[train], sample_weight=w)
        columns = [KINDS.index(name) for name in fitted.classes_]
        scores["regression"][np.ix_(test, columns)] = fitted.predict_log_proba(z[test])
        scores["boosted trees"][test] = fit_kinds(part).log_likelihoods(sample.x[test])
    lines = []
    for name, rows in scores.items():
        held = gathered(rows[~sample.synthetic], KINDS, sample.real.kinds, sample.real.units)
        calibration = held.calibration()
        told = held.log_likelihoods(calibration).argmax(1)
        shares = [(told[held.y == KINDS.index(n)] == KINDS.index(n)).mean() for n in names]
        lines.append([name, *shares, held.loss(calibration)])
    return markdown(["classifier", *names, "loss, kinds alike"], lines)


def regions(table: pd.DataFrame) -> str:
    """Each data set told by a model that was trained without it."""
    config, lines = DiscriminateConfig(), []
    for left_out in (
        ["ncedc_a", "ncedc_b"],
        ["new_zealand"],
        ["uturuncu"],
        ["obs"],
        ["coal_mine"],
        [BLASTS],
        ["pnw_noise"],
    ):
        there = table["dataset"].isin(left_out)
        rest, held = usable(table[~there]), usable(table[there])
        try_blasts = left_out != [BLASTS]
        model, _ = train_source(_plain(rest), count=FOLDS) if try_blasts else (_by_synthetics(rest), None)
        sample = _plain(held)
        units, _, log = tell(model, sample)
        outcome = outcome_of(held, sample, model.classes, units, log)
        told, alike = outcome.told(config.prior, config.certainty), outcome.told(None, 0.0)
        for name in (EARTHQUAKE, EXPLOSION, NOISE):
            rows = outcome.y == outcome.classes.index(name)
            if rows.sum() > 2:
                kept = confusion(outcome, told, [(f"{', '.join(left_out)}: {name}", rows)])[0]
                lines.append([*kept, (alike[rows] == name).mean()])
    return markdown(["left out", "units", *CLASSES, "not determined", "right, classes alike"], lines)


def _plain(table: pd.DataFrame) -> Sample:
    """A sample that may hold one real class only."""
    both = table if table["class"].nunique() > 1 else pd.concat([table, _other(table)], ignore_index=True)
    return sample_of(both).part(slice(0, len(table)))


def _other(table: pd.DataFrame) -> pd.DataFrame:
    name = NOISE if table["class"].iloc[0] != NOISE else EARTHQUAKE
    return table.iloc[:1].assign(**{"class": name, "group": "other", "trace_name": "other"})


def _by_synthetics(rest: pd.DataFrame) -> SourceModel:
    """A model that has seen no real blast: earthquakes and kinds real, blasts synthetic."""
    model, _ = train_source(_plain(rest), count=FOLDS)
    return replace(model, blasts=fit_blasts(_plain(rest), Setting(0.03, 0.3)))


def components(table: pd.DataFrame, dataset: Any) -> str:
    """Earthquakes of three components, of data sets that were left out, and the same with the vertical alone."""
    from jijin.models import load

    picker, lines, labels = load("cba", threads=1), [], dataset.labels
    rows = {(d, n): i for i, (n, d) in enumerate(zip(labels["trace_name"], labels["dataset"], strict=True))}
    for left_out in (["ncedc_a", "ncedc_b"], ["new_zealand"]):
        model, _ = train_source(_plain(usable(table[~table["dataset"].isin(left_out)])))
        three = table[table["dataset"].isin(left_out) & (table["class"] == EARTHQUAKE)]
        found = []
        for key in zip(three["dataset"], three["trace_name"], strict=True):
            data = dataset.waveform(rows[key]).copy()
            data[1:] = 0
            record = seen(data, picker)
            found.append({"p_probability": record.p_probability, **dict(zip(NAMES, features(record), strict=True))})
        one = three.assign(**pd.DataFrame(found, index=three.index))
        lines += [_component_line(f"{', '.join(left_out)}: {n}", t, model) for n, t in (("Z, N, E", three), ("Z", one))]
    heads = ["earthquakes", "events with a P", "stations with an S", "told earthquake", "told explosion"]
    return markdown([*heads, "likeliest earthquake, classes alike"], lines)


def _component_line(name: str, table: pd.DataFrame, model: SourceModel) -> list[object]:
    held, config = usable(table), DiscriminateConfig()
    sample = _plain(held)
    units, _, log = tell(model, sample)
    outcome = outcome_of(held, sample, model.classes, units, log)
    told, alike = outcome.told(config.prior, config.certainty), outcome.told(None, 0.0)
    with_s = np.isfinite(held["S-P (log s)"]).mean()
    told_both = [(told == kind).mean() for kind in (EARTHQUAKE, EXPLOSION)]
    return [name, len(units), with_s, *told_both, (alike == EARTHQUAKE).mean()]


def disturbances(model_table: pd.DataFrame, outcome: Outcome) -> str:
    """Synthetic machines, hammers and trains that trees had not seen; and which real windows are taken for such."""
    sample = _plain(usable(model_table))
    fold = folds(sample, FOLDS, 0)
    config, told, alike = DiscriminateConfig(), [], []
    for k in range(FOLDS):
        test = (fold == k) & (sample.classes == ANTHROPOGENIC)
        model, _ = train_source(sample.part(fold != k), count=2)
        _, _, log = tell(model, sample.part(test))
        part = Outcome(
            model.classes, log, np.full(len(log), model.classes.index(ANTHROPOGENIC)), *[np.zeros(len(log))] * 5
        )
        told.append(part.told(config.prior, config.certainty))
        alike.append(part.told(None, 0.0))
    lines = [_told_line("synthetic machines, hammers, trains", np.concatenate(told), np.concatenate(alike))]
    for name in (EARTHQUAKE, EXPLOSION, LANDSLIDE, NOISE):
        rows = outcome.y == outcome.classes.index(name)
        part = outcome.part(rows)
        lines.append(_told_line(f"real: {name}", part.told(config.prior, config.certainty), part.told(None, 0.0)))
    return markdown(["", "units", "told anthropogenic noise", "likeliest, classes alike"], lines)


def _told_line(name: str, told: NDArray[np.str_], alike: NDArray[np.str_]) -> list[object]:
    return [name, len(told), *((x == ANTHROPOGENIC).mean() for x in (told, alike))]


def with_context(outcome: Outcome, origins: pd.DataFrame) -> str:
    """Explosion against earthquake by waveforms, by context, by both. origins : as origins() gives them."""
    part = outcome.part((outcome.datasets == BLASTS) & (outcome.y < 2))
    config = ContextConfig()
    found = np.array([sum(v for _, v in context(_origin(origins.loc[g]), config)) for g in part.groups])
    index = outcome.classes.index(EXPLOSION)
    lines = []
    for name, waves, clock in (("waveforms", 1, 0), ("clock and day of the week alone", 0, 1), ("both", 1, 1)):
        log = part.log * waves
        log[:, index] += clock * found
        blasts, quakes, area, (a, b), share, (c, d) = blast_scores(replace(part, log=log))
        told = replace(part, log=log).told(DiscriminateConfig().prior, DiscriminateConfig().certainty)
        right = [(told[part.y == k] == outcome.classes[k]).mean() for k in (0, 1)]
        scores = area, f"{a:.2f}-{b:.2f}", share, f"{c:.2f}-{d:.2f}"
        lines.append([name, f"{blasts} / {quakes}", *scores, right[1], right[0]])
    heads = ["by", "explosions / earthquakes", "AUC", "95 %", "balanced accuracy", "95 %"]
    return markdown([*heads, "explosions told", "earthquakes told"], lines)


def hours(table: pd.DataFrame, origins: pd.DataFrame) -> str:
    """Between which local hours the blasts lie, and how many of them in working hours."""
    told = usable(table)
    groups = sorted(set(told["group"][(told["dataset"] == BLASTS) & (told["class"] == EXPLOSION)]))
    times = sorted(local_hour(int(origins.loc[g, "time_ns"]), float(origins.loc[g, "longitude"])) for g in groups)
    inside = sum(a <= t < b for t in times for a, b in [ContextConfig().working_hours])
    return f"{inside} of {len(times)} blasts lie in those hours, the others at most {_outside(times):.1f} h from them"


def _outside(times: list[float]) -> float:
    first, last = ContextConfig().working_hours
    return max(max(first - t, t - last, 0.0) for t in times)


def _origin(row: Any) -> Origin:
    return Origin(
        int(row["time_ns"]), float(row["latitude"]), float(row["longitude"]), 0.0, 1.0, (1.0, 1.0), 0.0, 9.0,
        ((0.0,) * 4,) * 4, False, 0.1, 90.0, 10.0, (), "", "",
    )  # fmt: skip


def origins(metadata: pd.DataFrame) -> pd.DataFrame:
    """time_ns, latitude, longitude of each event of a SeisBench table; the start of its records stands for its time."""
    times = pd.to_datetime(metadata["trace_start_time"], format="ISO8601").dt.as_unit("ns").astype("int64")
    return (
        metadata.assign(time_ns=times)
        .groupby("source_group")
        .agg(
            time_ns=("time_ns", "min"),
            latitude=("source_latitude_deg", "first"),
            longitude=("source_longitude_deg", "first"),
        )
    )


def taught(table: pd.DataFrame) -> str:
    """A model that has seen no real blast, taught with a few of the network's; told on the rest, over twenty deals."""
    rest, own = usable(table[table["dataset"] != BLASTS]), usable(table[table["dataset"] == BLASTS])
    begun = _by_synthetics(rest)
    sample = _plain(own)
    groups = {name: sorted(set(sample.groups[sample.classes == name].tolist())) for name in (EARTHQUAKE, EXPLOSION)}
    lines = []
    for few in (0, 2, 4, 8):
        rows: dict[str, list[float]] = {"taught": [], "alone": []}
        for deal in range(20):
            rng = np.random.default_rng(deal)
            known = [
                g for name in groups for g in rng.permutation(groups[name])[: few * (3 if name == EARTHQUAKE else 1)]
            ]
            train, test = np.isin(sample.groups, known), ~np.isin(sample.groups, known)
            for kind, start in (("taught", begun.blasts), ("alone", None)):
                if few:
                    fitted = fit_blasts(sample.part(train), Setting(0.1, 0.0, start))
                elif start is None:
                    continue
                else:
                    fitted = start
                odds = pd.Series(fitted.odds(sample.x[test])).groupby(sample.groups[test]).mean()
                blast = pd.Series(sample.classes[test] == EXPLOSION).groupby(sample.groups[test]).first()
                rows[kind].append(auc(blast.to_numpy(bool), odds.to_numpy()))
        cells = [f"{np.mean(v):.2f} ({np.std(v):.2f})" if v else "" for v in rows.values()]
        lines.append([f"{few} and {3 * few}", *cells])
    return markdown(["blasts and earthquakes", "AUC, begun without them", "AUC, from nothing"], lines)


def encoded(table: pd.DataFrame, dataset: Any) -> Array:
    """CBA's deepest layer after the P of each row of BLASTS with a P: mean and highest of 60 steps, (row, channel)."""
    import torch

    from jijin.models import find, load
    from jijin.models.cba import CBA
    from jijin.signal import normalise
    from jijin.train.start import network_from_file

    torch.set_num_threads(1)
    network, picker, out = network_from_file(find("cba"), CBA()), load("cba", threads=1), []
    wanted = table[(table["dataset"] == BLASTS) & (table["p_probability"] >= 0.3)]
    labels = dataset.labels
    rows = {n: i for i, (n, d) in enumerate(zip(labels["trace_name"], labels["dataset"], strict=True)) if d == BLASTS}
    for name in wanted["trace_name"]:
        window = np.full((1, 3, 6000), np.nan, np.float32)
        window[0, 0] = seen(dataset.waveform(rows[name]), picker).z[1000:7000]  # P at 20 s
        with torch.inference_mode():
            deep = network.encoder(torch.from_numpy(normalise(window))[:, :, None])[-1][0, :, 0]
        part = deep[:, 2000 // 48 :][:, :60]
        out.append(torch.cat([part.mean(1), part.amax(1)]).numpy())
    return np.array(out, float)
