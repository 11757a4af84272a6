"""Fixtures that several test files share; the fake models are in fakes.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fakes import FakeModel, FreeModel
from jijin.data.synthetic import Synthetic, earthquake
from jijin.data.traces import LabelledTrace


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture
def free() -> FreeModel:
    return FreeModel()


@pytest.fixture(scope="session")
def pool() -> list[Synthetic]:
    """Clean earthquakes with 1, 4, 10 and 30 s between P and S."""
    rng = np.random.default_rng(0)
    return [earthquake(rng, sp) for sp in (1.0, 4.0, 10.0, 30.0)]


@pytest.fixture(scope="session")
def labelled(pool: list[Synthetic]) -> LabelledTrace:
    """70 s of weak noise with an earthquake 20 s in, its P and S labelled."""
    data = np.random.default_rng(2).standard_normal((3, 7000)).astype(np.float32) * 0.01
    data[:, 2000 : 2000 + pool[1].data.shape[1]] += pool[1].data[:, :5000]
    return LabelledTrace(data, (2000 + pool[1].p_sample,), (2000 + pool[1].s_sample,), (), "g", "set", "t")
