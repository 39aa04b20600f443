"""The store of results: one file in a folder, to which any number of processes add rows.

`Store` keeps rows and finds them by their keys.
"""

from uwm.experiments.store.file import NAME
from uwm.experiments.store.merging import Merged
from uwm.experiments.store.rows import Study
from uwm.experiments.store.table import Store

__all__ = ["NAME", "Merged", "Store", "Study"]
