"""Waveforms in, picks out: read(source), and tables, JSON and QuakeML to write."""

from jijin.io.files import DamagedFile, find_files, read, read_segments, scan

__all__ = ["DamagedFile", "find_files", "read", "read_segments", "scan"]
