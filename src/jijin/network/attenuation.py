"""How a local magnitude follows from an amplitude: -log10 A0 as a function of distance, from the literature or a file.

Richter's (1935) definition fixes the scale: 1 mm on a Wood-Anderson seismogram at 100 km is ML 3. Hutton & Boore
keep it, and pass through 10 mm at 17 km as well, where attenuation matters less.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log10
from pathlib import Path

from jijin.config import check_range, from_table
from jijin.errors import ConfigError

GAIN = 2080.0  # static magnification that the mm belong to, see jijin.network.amplitude
NM = 6 - log10(GAIN)  # added to a constant for nm at magnification 1, makes it one for mm at 2080


@dataclass(frozen=True, slots=True)
class Attenuation:
    """ML = log10 A + a log10(r / r0) + b (r - r0) + c + d exp(-e r), with r0 = 1 and no b r0 without a reference.

    A is zero to peak in mm on a Wood-Anderson seismograph, r the hypocentral distance in km.
    """

    name: str
    a: float
    b: float  # per km
    c: float  # -log10 A0 at reference_km
    reference_km: float | None = None
    d: float = 0.0  # near term
    e: float = 0.0  # per km
    min_km: float = 0.0  # hypocentral distances that the formula was made from
    max_km: float = 1000.0
    horizontals: str = "mean"  # of the station's magnitudes from its two components, or "max": the larger one counts
    source: str = ""
    station_corrections: Mapping[str, float] = field(default_factory=dict)  # by NET.STA, added to ML

    def __post_init__(self) -> None:
        check_range("max_km", self.max_km, self.min_km, 20_000)
        if self.horizontals not in ("mean", "max"):
            raise ConfigError(f"'horizontals' must be 'mean' or 'max' (got {self.horizontals!r})")
        if self.reference_km is not None:
            check_range("reference_km", self.reference_km, 0, 1000)

    def correction(self, distance_km: float) -> float:
        """-log10 A0 at a hypocentral distance: the magnitude of 1 mm there."""
        reference, linear = (self.reference_km or 1.0), distance_km - (self.reference_km or 0.0)
        near = self.d * exp(-self.e * distance_km)
        return self.a * log10(distance_km / reference) + self.b * linear + self.c + near

    def magnitude(self, amplitude_mm: float, distance_km: float, station: str = "") -> float:
        """ML of an amplitude (mm, over 0) at a hypocentral distance (km, over 0), with the station's correction."""
        return log10(amplitude_mm) + self.correction(distance_km) + self.station_corrections.get(station, 0.0)


FORMULAS = {
    formula.name: formula
    for formula in (
        Attenuation(
            "hutton_boore_1987",
            *(1.110, 0.00189, 3.0, 100.0),
            min_km=10,
            max_km=700,
            source="Hutton & Boore (1987), The ML scale in Southern California, BSSA 77(6), 2074-2094",
        ),
        Attenuation(  # Hutton & Boore for nm at magnification 1: the same within 0.001
            "iaspei_2013",
            *(1.11, 0.00189, -2.09 + NM),
            min_km=10,
            max_km=1000,
            source="IASPEI (2013), Summary of Magnitude Working Group recommendations",
        ),
        Attenuation(
            "bakun_joyner_1984",
            *(1.0, 0.00301, 0.70),
            max_km=400,
            source="Bakun & Joyner (1984), The ML scale in central California, BSSA 74(5), 1827-1843",
        ),
        Attenuation(  # for networks closer than Hutton & Boore's 10 km: mines, volcanoes, injection
            "luckett_2019",
            *(1.11, 0.00189, -2.09 + NM),
            d=-1.16,
            e=0.2,
            source="Luckett et al. (2019), Extending local magnitude ML to short distances, GJI 216(2), 1145-1156",
        ),
    )
}


def read_attenuation(name: str) -> Attenuation:
    """One of FORMULAS by name, or one from a TOML file with Attenuation's fields as keys; a, b and c must be there.

    Raises ConfigError for an unknown name or key, a missing coefficient, or a value that is no number.
    """
    if name in FORMULAS:
        return FORMULAS[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise ConfigError(f"unknown formula {name!r}; take {', '.join(FORMULAS)} or a file that ends in .toml")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not text
        raise ConfigError(f"{path}: not TOML: {error}") from error
    return from_table(Attenuation, {"name": path.stem, **table}, str(path))
