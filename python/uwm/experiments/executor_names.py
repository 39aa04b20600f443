"""The names of the executors: the command line's help shows them and imports none."""

NAMES = ("threads", "processes", "dask", "dask=ADDRESS", "mpi")
