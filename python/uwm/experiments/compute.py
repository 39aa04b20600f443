"""Compute cells: those that a store holds already are taken from there, the others are made."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uwm.experiments.build import available_cores, number_of_jobs
from uwm.experiments.cells import Cell, Row
from uwm.experiments.executors import Executor, choose
from uwm.experiments.progress import Listener, Monitor, nobody
from uwm.experiments.store import Store


@dataclass(frozen=True)
class Study:
    """What cells are asked for: the command, a title, and all settings as JSON can hold them."""

    command: str
    title: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Record:
    """What a result is made of: the study, the keys of its cells, and rows that no store holds."""

    study: Study
    keys: tuple[str, ...]
    rows: tuple[Row, ...] = ()


@dataclass(eq=False)
class Computer:
    """What computes the cells of a study, and where results are kept.

    jobs: cells at a time on this machine. store: None keeps nothing. fresh: whether to compute
    again what the store holds. keys: of the cells asked for so far. made: of those that were
    computed, not found. unkept: rows that have no store.
    """

    study: Study
    monitor: Monitor
    executor: Executor
    jobs: int
    store: Store | None = None
    fresh: bool = False
    keys: dict[str, None] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    unkept: list[Row] = field(default_factory=list)

    @property
    def checkpoints(self) -> Path | None:
        """The folder for what long cells have so far."""
        return None if self.store is None else self.store.folder / "checkpoints"

    def compute(
        self, cells: Sequence[Cell], ended: Callable[[int, Row], None] = lambda k, row: None
    ) -> tuple[list[Row], bool]:
        """Return a row for each cell, in order, and whether the work was stopped.

        ended(k, row): called by this thread whenever the k-th cell has a row. Rows are in the store
        by then. A cell that was not begun is an interrupted row.
        """
        rows: dict[int, Row] = {}
        self.note(cells)
        known = self.known(cells)
        places: dict[str, list[int]] = {}  # the same cell may be asked for twice
        for k, cell in enumerate(cells):
            places.setdefault(cell.key, []).append(k)
            if cell.key in known:
                rows[k] = known[cell.key]
                ended(k, rows[k])
        missing = [cells[at[0]] for key, at in places.items() if key not in known]

        def keep(number: int, row: Row) -> None:
            self.keep(row)
            for k in places[missing[number].key]:
                rows[k] = row
                ended(k, row)

        def lost(number: int, error: BaseException) -> None:
            keep(number, missing[number].failed(error))

        # What the cells at a time leave of the cores, each may share its batches among.
        at_a_time = max(1, min(self.jobs, len(missing)))
        stopped = self.executor.run(
            missing,
            keep,
            failed=lost,
            monitor=self.monitor,
            threads=max(1, available_cores() // at_a_time),
            checkpoints=self.checkpoints,
        )
        return [rows.get(k) or cell.stopped() for k, cell in enumerate(cells)], stopped

    def known(self, cells: Sequence[Cell]) -> dict[str, Row]:
        """Return the rows of the cells that need not be computed, by key."""
        keys = [cell.key for cell in cells]
        if self.store is None:
            return {}
        # With fresh, what this study has computed already is no older than the study.
        return self.store.find([key for key in keys if not self.fresh or key in self.made])

    def keep(self, row: Row) -> None:
        """Keep a row that was computed."""
        self.made.add(row.key)
        if self.store is None:
            self.unkept.append(row)
        elif self.fresh:
            self.store.replace([row])
        else:
            self.store.add([row])

    def silent(self) -> Computer:
        """Return the same with a monitor that stops with this one and has no listener."""
        return dataclasses.replace(self, monitor=self.monitor.silent())

    def record(self) -> Record:
        """Return what the study is made of so far."""
        return Record(self.study, tuple(self.keys), tuple(self.unkept))

    def note(self, cells: Sequence[Cell]) -> None:
        """Write down which cells the study is made of."""
        self.keys.update(dict.fromkeys(cell.key for cell in cells))
        if self.store is not None:
            study = self.study
            self.store.note_study(study.command, study.title, study.settings, list(self.keys))


@contextmanager
def computer(
    study: Study,
    *,
    store: Store | str | os.PathLike[str] | None = None,
    executor: Any = None,
    jobs: int | None = None,
    fresh: bool = False,
    progress: Listener = nobody,
) -> Iterator[Computer]:
    """Make what computes cells, for the time of the block.

    store: where results are kept, a folder or an open store. executor, jobs: as `choose` takes
    them.
    """
    monitor = Monitor(progress)
    chosen = choose(executor, jobs=jobs)
    with ExitStack() as stack:
        if store is not None and not isinstance(store, Store):
            store = stack.enter_context(Store(store))
        yield Computer(study, monitor, chosen, number_of_jobs(jobs), store, fresh)
