"""What a source can be, in our words and in QuakeML's."""

from __future__ import annotations

EARTHQUAKE, EXPLOSION, LANDSLIDE = "earthquake", "explosion", "landslide"
ANTHROPOGENIC, NOISE = "anthropogenic noise", "noise"
CLASSES = (EARTHQUAKE, EXPLOSION, LANDSLIDE, ANTHROPOGENIC, NOISE)
BODY_WAVES = "body waves"
KINDS = (BODY_WAVES, LANDSLIDE, ANTHROPOGENIC, NOISE)  # an earthquake and an explosion are sources of body waves
QUAKEML = {
    EARTHQUAKE: "earthquake",
    EXPLOSION: "explosion",
    LANDSLIDE: "landslide",
    ANTHROPOGENIC: "anthropogenic event",
    NOISE: "not existing",
}  # QuakeML 1.2's EventType

_WORDS = {
    EARTHQUAKE: (
        "earthquake", "earthquake local", "mining induced", "induced or triggered event", "icequake", "ice quake",
    ),
    EXPLOSION: (
        "explosion", "quarry blast", "mining explosion", "blast", "chemical explosion", "controlled explosion",
        "experimental explosion", "industrial explosion", "probable explosion",
    ),
    LANDSLIDE: (
        "landslide", "rockslide", "rockfall", "debris flow", "debris avalanche", "avalanche", "snow avalanche", "slide",
        "surface event",
    ),
    ANTHROPOGENIC: ("anthropogenic event", "anthropogenic noise", "traffic", "train", "machine", "construction"),
    NOISE: ("noise", "not existing"),
}  # fmt: skip
_CLASS = {word: name for name, words in _WORDS.items() for word in words}


def kind_of(name: str) -> str:
    """The kind that a class belongs to."""
    return BODY_WAVES if name in (EARTHQUAKE, EXPLOSION) else name


def plain(source_type: str) -> str:
    """A data set's word for a source, its spelling made even.

    >>> plain(" Quarry_Blast ")
    'quarry blast'
    """
    return " ".join(source_type.replace("_", " ").lower().split())


def class_of(source_type: str) -> str | None:
    """The class of a data set's word; None if it is none of these.

    >>> class_of("mining_explosion"), class_of("rockfall"), class_of("thunder")
    ('explosion', 'landslide', None)
    """
    return _CLASS.get(plain(source_type))
