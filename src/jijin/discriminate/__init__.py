"""Earthquake, explosion or something else: an event's type with its certainty.

Discriminator(model, config).classify(origin, waveforms) -> SourceType
"""

from jijin.discriminate.context import ContextConfig
from jijin.discriminate.discriminator import DiscriminateConfig, Discriminator
from jijin.discriminate.model import SourceModel, load_source

__all__ = ["ContextConfig", "DiscriminateConfig", "Discriminator", "SourceModel", "load_source"]
