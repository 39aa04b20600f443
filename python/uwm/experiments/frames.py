"""Results as frames of pandas."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from uwm.experiments.columns import columns, points
from uwm.experiments.store import Store

if TYPE_CHECKING:
    import pandas


def load(
    folder: str | os.PathLike[str], *, kind: str | None = None, curves: bool = False
) -> pandas.DataFrame:
    """Return the results in a folder as a frame of pandas, one row a result.

    Columns are `key`, `kind` and `status`; the settings, such as `task`, `hidden`, `rule` and
    `seed`; the numbers that were measured, such as `mean_reward`; and what made the row, such as
    `made_version` and `made_seconds`. A list is a text, `"64,32"`, or its only item. Failures are
    not among them, `Store.failures` has them.

    kind: only results of this kind, "run" for instance. curves: return the points of all learning
    curves instead, one row a point: `key`, `kind`, `rule`, `seed`, and for runs `episode` and
    `reward`.

    Raises ImportError without pandas: pip install "uwm[pandas]". Raises OSError or ValueError for a
    folder that holds no store that can be read.

    >>> import tempfile
    >>> from uwm.experiments.cells import Row
    >>> folder = tempfile.mkdtemp()
    >>> with Store(folder) as store:
    ...     store.add([Row("a1", "run", {"rule": "ste", "seed": 0}, "done", {"rewards": [0.5]})])
    1
    >>> load(folder)[["rule", "seed", "status"]].values.tolist()
    [['ste', 0, 'done']]
    >>> load(folder, curves=True).columns.tolist()
    ['key', 'kind', 'rule', 'seed', 'reward']
    """
    try:
        import pandas
    except ImportError:
        raise ImportError('frames need pandas: pip install "uwm[pandas]"') from None
    with Store(folder, create=False) as store:
        if not curves:
            return pandas.DataFrame(columns(store.rows(kind, curves=False)).values)
        found = points(store.rows(kind))
    named = pandas.DataFrame(found.rows)
    frame = named.loc[named.index.repeat(found.counts)].reset_index(drop=True)
    return frame.assign(**found.values)
