"""jijin inside the tools that a seismologist has already: one module a tool, each needs that tool installed."""
