"""Velocity models: the built-in ones against ObsPy's, every format of file, and a sentence for each bad one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from obspy.taup import TauPyModel

from jijin.errors import ConfigError, DataError
from jijin.network.velocity import VelocityModel, read_velocity

CRUST = VelocityModel("crust", (0.0, 20.0, 35.0), (5.8, 6.5, 8.0), (3.36, 3.75, 4.5))


@pytest.mark.parametrize("name", ["iasp91", "ak135"])
@pytest.mark.parametrize("phase", ["P", "S"])
def test_global_models_are_those_of_obspy(name: str, phase: str) -> None:
    depths = np.array([0.0, 12.3, 19.9, 27.0, 50.0, 150.0, 409.0, 650.0])
    theirs = TauPyModel(name).model.s_mod.v_mod.evaluate_below(depths, phase.lower())
    assert read_velocity(name).at(depths, phase) == pytest.approx(theirs, abs=1e-9)


def test_the_regional_model_keeps_its_ratio_and_grows_with_depth() -> None:
    model = read_velocity("regional")
    depths = np.linspace(-3, 650, 500)
    assert model.at(depths, "P") / model.at(depths, "S") == pytest.approx(1.73)
    assert (np.diff(model.at(depths, "P")) >= 0).all() and model.vp_vs == pytest.approx(1.73)


FILES = {
    "m.csv": "depth_km,vp,vs\n0,5.8,3.36\n20,6.5,3.75\n35,8.0,4.5\n",
    "spaces.txt": "depth vp vs\n 0  5.8 3.36\n20 6.5 3.75\n35 8.0 4.5\n",
    "m.toml": "depth_km = [0, 20, 35]\nvp = [5.8, 6.5, 8]\nvs = [3.36, 3.75, 4.5]\n",
    "layers.toml": "".join(
        f"[[layers]]\ndepth_km = {z}\nvp = {p}\nvs = {s}\n"
        for z, p, s in [(0, 5.8, 3.36), (20, 6.5, 3.75), (35, 8, 4.5)]
    ),
    "nll.in": "CONTROL 1 54321\nLAYER  0.0  5.8 0.0  3.36 0.0 2.7 0\nLAYER 20 6.5 0 3.75 0\nLAYER 35 8 0 4.5 0 3 0\n",
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_layers(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FILES[name])
    model = read_velocity(path)
    assert (model.depths_km, model.vp, model.vs) == (CRUST.depths_km, CRUST.vp, CRUST.vs)
    assert model.at([-4, 19.99, 20, 100], "P").tolist() == [5.8, 5.8, 6.5, 8.0]


def model_of(tmp_path: Path, text: str, name: str = "m.toml") -> VelocityModel:
    path = tmp_path / name
    path.write_text(text)
    return read_velocity(path)


def test_a_ratio_stands_for_vs_and_nodes_are_joined_by_lines(tmp_path: Path) -> None:
    text = 'name = "mine"\ninterpolation = "linear"\nvp_vs = 1.75\ndepth_km = [0, 10]\nvp = [5, 6]\n'
    model = model_of(tmp_path, text)
    assert model.name == "mine" and model.at([5, 99], "P").tolist() == [5.5, 6.0]
    assert model.at(5, "S") == pytest.approx(5.5 / 1.75)


def test_a_depth_given_twice_in_a_csv_is_a_discontinuity_between_lines(tmp_path: Path) -> None:
    model = model_of(tmp_path, "depth,vp,vp_vs\n0,5,1.7\n30,6.5,1.7\n30,8,1.8\n", "m.csv")
    assert model.at([10, 30], "P").tolist() == [5.5, 8.0] and model.at(30, "S") == pytest.approx(8 / 1.8)


def test_gradients_of_nonlinloc_hold_down_to_the_next_layer(tmp_path: Path) -> None:
    model = model_of(tmp_path, "LAYER 0 5 0.1 3 0.05 2.7 0\nLAYER 10 7 0.5 4 0 2.7 0\n", "nll.in")
    assert model.at([-1, 0, 5, 10, 50], "P").tolist() == [5.0, 5.0, 5.5, 7.0, 7.0]
    assert model.at(5, "S") == pytest.approx(3.25)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("depth_km = [0, 10]\nvp = [5000, 6000]\nvs = [2900, 3500]", "0.2 to 15 km/s"),
        ("depth_km = [0, 10]\nvp = [5, 6]", "no vs and no vp_vs"),
        ("depth_km = [0, 10]\nvp = [5]\nvs = [3]", "must be as many"),
        ("depth_km = [10, 0]\nvp = [5, 6]\nvs = [3, 3.5]", "depths must grow"),
        ("depth_km = [0, 10]\nvp = [3, 3.5]\nvs = [5, 6]", "Vp/Vs over 1.155"),
        ("depth_km = [0, 10]\nvp = [5, nan]\nvs = [3, 3.5]", "not a number"),
        ('depth_km = [0, 10]\nvp = [5, "fast"]\nvs = [3, 3.5]', "not a number"),
        ("depth_km = [0, 10]\nvp = [5, 6]\nvsh = [3, 3.5]", "unknown vsh"),
        ('interpolation = "cubic"\ndepth_km = [0]\nvp = [5]\nvs = [3]', "interpolation must be"),
        ("depth_km = ", "is not TOML"),
        ("vp = [5]\nvs=[3]", "no depth_km"),
        ("layers = [{depth_km=0, vp=5}, {depth_km=4, vp=5, vs=3}]", "not a number"),
    ],
)
def test_a_bad_model_is_one_sentence_that_names_the_file(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=f"m.toml.*{sentence}") as caught:
        model_of(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_other_files_are_told_from_models(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no columns depth_km, vp and vs or vp_vs \(found: a, b"):
        model_of(tmp_path, "a,b\n1,2\n", "m.csv")
    with pytest.raises(DataError, match="a LAYER line needs"):
        model_of(tmp_path, "LAYER 0 5 0\n", "m.in")
    with pytest.raises(ConfigError, match="nor one of regional, iasp91, ak135; did you mean 'iasp91'"):
        read_velocity("isp91")


def test_only_p_and_s_have_a_velocity() -> None:
    with pytest.raises(ConfigError, match="phase must be P or S"):
        CRUST.at(0, "Lg")
