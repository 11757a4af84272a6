"""Settings of a live run."""

from __future__ import annotations

from dataclasses import dataclass

from jijin.config import check_range


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """Times in s, of data or of the clock as said."""

    tick_s: float = 0.5  # of the clock: what has come is looked at this often; a tick that takes longer delays the next
    wait_s: float = 30.0  # of data: final picks wait so long for a component that lags
    quiet_s: float = 60.0  # of the clock: a channel without data for longer is shown as quiet
    ring_s: float = 300.0  # of data kept in memory for magnitudes, alarms and the page
    resume_s: float = 600.0  # of data asked for again after a restart, at most; what no pick needs any more is not
    keep_days: float = 30.0  # picks, events and alarms older than that are deleted; infinite keeps all
    queue: int = 20_000  # packets that wait for the next tick; when it is full, sources wait and servers hold the data

    def __post_init__(self) -> None:
        check_range("tick_s", self.tick_s, 0, 60)
        check_range("wait_s", self.wait_s, 0, 3600)
        check_range("quiet_s", self.quiet_s, 0, 86_400)
        check_range("ring_s", self.ring_s, 59, 86_400)
        check_range("resume_s", self.resume_s, 0, 86_400)
        check_range("keep_days", self.keep_days, 0, float("inf"))
        check_range("queue", self.queue, 0, 10_000_000)
