"""The steps of the archive on a live feed: sources, picks at once and for good, events, alarms, page."""
