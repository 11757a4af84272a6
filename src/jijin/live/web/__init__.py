"""The page of a live run: what it shows, how it is pushed, who may see it."""
