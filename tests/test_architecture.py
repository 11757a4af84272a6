"""The map of the package. A sample goes down it; imports only point up, so no two modules need each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jijin

MAP = """
errors      the error tree
types       Segment in, Pick and Event out
config      a dataclass per stage
stopwatch   where time goes
io          files to segments; picks to tables and QuakeML
resampling  any rate to 100 Hz
signal      pure array functions
features    numbers that describe a window
buffer      runs of each channel
peaks       of a probability curve
onsets      peaks moved to where the waveform changes
looks       doubtful windows seen from further samples
models      windows to probabilities
windows     cut and stitch
ends        of curves, for what follows them
between     doubtful blocks seen by further windows
moved       stitched peaks moved to where the waveform changes
picking     probabilities to picks
detector    all of these, fed piece by piece
discriminate  source types with their certainty
network     stations, velocity; picks to located and sized events
store       a run on disk
catalog     an archive, station-day by station-day, to a run
report      figures and pages
live        the same steps on a live feed
data        training data
evaluate    picks against labels
train       the loop, and export
interop     our model in other tools
study       the models of the study side by side
commands    one file a command
cli         jijin
"""
ORDER = [line.split()[0] for line in MAP.strip().splitlines()]
SOURCE = Path(jijin.__file__).parent
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")
HEAVY = ["numpy", "scipy", "obspy", "pandas", "matplotlib", "onnxruntime", "pymseed", "h5py", "torch", "rich", "typer"]
CPU_ONLY = ["torch", "seisbench", "tensorboard", "onnx", "sklearn"]


def layer(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Layers of jijin that a module imports when it runs, wherever in it; those for type checkers alone left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in for_types:
            yield from (name for name in targets(node) if name in ORDER)


def targets(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("jijin."))
    elif isinstance(node, ast.ImportFrom) and node.module == "jijin":
        homes = {name: home.split(".")[1] for home, names in jijin._HOMES.items() for name in names}
        yield from (homes.get(alias.name, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("jijin."):
        yield node.module.split(".")[1]


def test_the_map_names_every_module() -> None:
    assert {layer(path) for path in MODULES} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_point_up_the_map(path: Path) -> None:
    below = [name for name in imported(path) if ORDER.index(name) > ORDER.index(layer(path))]
    assert not below, f"{layer(path)} imports {below}, which stand below it"


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["jijin", "jijin.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    loaded = python(f"import {module}, sys; print(*sys.modules)").split()
    assert not {name for name in HEAVY if name in loaded} - ({"typer", "rich"} if module == "jijin.cli" else set())


def test_importing_sets_up_no_logging() -> None:
    assert (
        python("import jijin, logging; print(logging.getLogger('jijin').handlers, logging.root.handlers)") == "[] []\n"
    )


GUARD = """
import importlib.abc, socket, sys

class Forbidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {forbidden!r}:
            raise ImportError(f"{{name}} at run time")

def refuse(*args, **kwargs):
    raise AssertionError("a connection at run time")

sys.meta_path.insert(0, Forbidden())
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
"""


def test_detection_needs_neither_torch_nor_a_network(tmp_path: Path) -> None:
    words = ["jijin", "detect", "--example", "--plot", str(tmp_path)]
    out = python(GUARD.format(forbidden=CPU_ONLY) + f"sys.argv = {words!r}\nfrom jijin.cli import main; main()")
    assert {row.split(",")[1] for row in out.splitlines()[1:]} == {"P", "S"}
    assert list(tmp_path.glob("*.png"))


def test_the_guard_of_the_test_above_does_guard() -> None:
    code = GUARD.format(forbidden=["wave"]) + "\nimport wave"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "wave at run time" in done.stderr
