"""Picks of many stations to events: associate, locate, size."""
