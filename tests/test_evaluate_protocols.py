import json

import numpy as np
import obspy
import pandas as pd
import pytest
from typer.testing import CliRunner

from jijin.cli import app
from jijin.data.export import write_seisbench
from jijin.errors import ConfigError
from jijin.evaluate.protocols import PROTOCOLS, tables
from pickers import picker, step_trace

EVENTS = [step_trace(3000 + k, 3500, group=str(k)) for k in range(3)]


def test_every_protocol_can_be_named_on_the_command_line():
    from jijin.commands.evaluate import CONTINUOUS, NAMES, SCORES

    assert set(NAMES) == {SCORES, CONTINUOUS, *PROTOCOLS}


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"conditions", "noise", "stitching"}))
def test_a_perfect_picker_has_rows_of_every_kind_under_its_name(name):
    found = list(tables(PROTOCOLS[name]([picker()], EVENTS, EVENTS)))
    assert found
    for _, heads, lines in found:
        assert lines and all(line[heads.index("picker")] == "steps" and len(line) == len(heads) for line in lines)


PEERS = """
import numpy as np
NAMES = ["steps"]
class Steps:
    def predict(self, x):
        at = np.diff(x, axis=-1, prepend=x[..., :1]).argmax(-1)[:, :2, None]
        p, s = np.exp(-0.5 * ((np.arange(6000) - at) / 4) ** 2).swapaxes(0, 1)
        return {"p": p, "s": s, "det": None}
def load(name):
    return Steps()
"""


def test_the_command_writes_the_rows_that_it_shows(tmp_path):
    (tmp_path / "peers.py").write_text(PEERS)
    rows = [
        {"trace_name": t.name, "source_id": t.name, "trace_P_arrival_sample": t.p[0], "trace_S_arrival_sample": t.s[0]}
        for t in EVENTS
    ]
    table = pd.DataFrame(rows).assign(source_type="earthquake", label_quality="manual", trace_sampling_rate_hz=100.0)
    write_seisbench(tmp_path / "set", np.stack([t.data for t in EVENTS]), table)
    words = ["evaluate", "--data", str(tmp_path / "set"), "--peers", str(tmp_path), "--split", "all"]
    done = CliRunner().invoke(app, [*words, "--protocol", "shift", "-o", str(tmp_path / "out.json")])
    assert done.exit_code == 0, done.output
    (row,) = (r for r in json.loads((tmp_path / "out.json").read_text()) if (r["picker"], r["phase"]) == ("steps", "P"))
    assert (row["kind"], row["arrivals"], row["lost"]) == ("Stability", 3, 0.0)
    assert "steps" in done.output and "stability" in done.output
    assert b"NaN" not in (tmp_path / "out.json").read_bytes()
    write_seisbench(
        tmp_path / "slides",
        np.stack([t.data for t in EVENTS]),
        table.assign(source_type="landslide", trace_P_arrival_sample=np.nan, trace_S_arrival_sample=np.nan),
    )
    nothing = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path / "slides"), "--split", "all"])
    assert nothing.exit_code == 1 and "nothing to score" in str(nothing.exception)
    wrong = CliRunner().invoke(app, [*words, "--protocol", "shifty"])
    assert "must be one of scores, groups" in str(wrong.exception)
    without = CliRunner().invoke(app, [*words, "--protocol", "noise"])
    assert "the all split of the data has nothing for the protocol noise" in str(without.exception)


def test_a_protocol_says_what_it_needs(tmp_path):
    done = CliRunner().invoke(app, ["evaluate", "--protocol", "continuous", "--others", str(tmp_path)])
    assert "continuous needs --records" in str(done.exception)
    assert "scores needs --data" in str(CliRunner().invoke(app, ["evaluate"]).exception)
    words = ["--protocol", "continuous", "--records", "r", "--others", "o", "--tune"]
    assert "continuous needs --data" in str(CliRunner().invoke(app, ["evaluate", *words]).exception)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("--protocol shift --data d --records r", "--records"),
        ("--protocol continuous --records r --others o --data d", "--data"),
        ("--protocol continuous --records r --others o --data d --tune --split dev", "--split"),
    ],
)
def test_an_option_that_a_protocol_ignores_is_refused(words, option):
    done = CliRunner().invoke(app, ["evaluate", *words.split()])
    assert isinstance(done.exception, ConfigError) and f"does not take {option};" in str(done.exception)


def test_agreement_on_a_folder_of_miniseed_comes_from_the_command_line(tmp_path):
    (tmp_path / "peers.py").write_text(PEERS)
    trace = step_trace(3000, 3500, n=12000)
    (tmp_path / "here").mkdir()
    for code, row in zip("ZNE", trace.data, strict=True):
        header = {"network": "XX", "station": "STA", "channel": f"HH{code}", "sampling_rate": 100.0}
        obspy.Trace(row, header).write(str(tmp_path / f"here/{code}.mseed"), format="MSEED")
    columns = ["dataset", "trace_name", "picker", "phase", "sample", "probability"]
    rows = [("continuous/here", "STA", name, "P", 3000, 0.9) for name in ("eqt", "gpd", "phasenet")]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "picks.csv", index=False)
    words = ["--records", str(tmp_path / "here"), "--others", str(tmp_path / "picks.csv"), "--peers", str(tmp_path)]
    out = tmp_path / "out.json"
    done = CliRunner().invoke(app, ["evaluate", "--protocol", "continuous", *words, "-o", str(out)])
    assert done.exit_code == 0, done.output
    found = {(r["picker"], r["phase"]): r for r in json.loads(out.read_text())}
    assert found["steps", "P"]["shared"] == 1 and found["steps", "P"]["recall"] == 1.0
    assert found["steps", "S"]["recall"] is None  # nothing to find
