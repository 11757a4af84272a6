"""Fixtures that several test files share; the fake models are in fakes.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fakes import FakeModel, FreeModel


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture
def free() -> FreeModel:
    return FreeModel()
