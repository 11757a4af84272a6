"""Errors cross from one process to another, in which they may be caught by their class or told by their text."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from jijin.errors import ConfigError, DataError, JijinError, MissingExtra, ModelError, ReadError

ERRORS = [kind("what, where: do that") for kind in (JijinError, ConfigError, DataError, ReadError, ModelError)]
ERRORS += [MissingExtra("onnx", "train")]


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_another_process_as_it_was(error: JijinError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args, vars(again)) == (type(error), str(error), error.args, vars(error))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_a_worker_of_dask_as_it_was(error: JijinError) -> None:
    """Which has tblib pickle exceptions, with their tracebacks."""
    support = pytest.importorskip("tblib.pickling_support", reason="the extra dask is absent: this is NOT checked")
    make, made_from, *_ = support.pickle_exception(error)
    again = make(*made_from)
    assert (type(again), str(again), again.args) == (type(error), str(error), error.args)


def test_the_tests_above_know_every_error_of_the_package() -> None:
    assert {kind for kind in subclasses(JijinError) if kind.__module__.startswith("jijin")} == set(map(type, ERRORS))
