"""From an archive to a catalogue: station-days to picks, picks to events, kept in a folder that can be resumed.

day        one station-day, wherever it is worked on
workers    many of them: here, in processes, on a Dask cluster
events     picks to located and sized events, day by day
run        all of it in order
edit       exclude a pick or a station and locate again
outputs    QuakeML and tables
"""
