"""The store of results: one file in a folder, to which any number of processes add rows.

`Store` keeps rows and finds them by their keys.
"""

from uwm.experiments.store.file import NAME
from uwm.experiments.store.table import Store, Study

__all__ = ["NAME", "Store", "Study"]
