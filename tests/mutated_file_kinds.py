"""The reader of damaged files that test_mutated_files.py runs: KIND SEED COUNT SECONDS.

It prints how many files it has tried and how many were refused, and ends with 1 and the file's
bytes at the first that does harm.
"""

from __future__ import annotations

import faulthandler
import gzip
import io
import json
import random
import re
import resource
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutations
import numpy as np

import uwm

MEMORY = 1 << 30  # bytes that a small file may make the reader reserve, on top of Python itself
RESIDENT = 300_000  # KB that it may make the reader use
HANG = 120  # seconds for one file, on a busy machine too
DATA = Path(__file__).parent / "data"
Mutation = Callable[..., bytes]

ROWS = "".join(f"{7 * i % 5},{i % 3}.5,{'cat' if i % 2 else 'dog'}\n" for i in range(20))
NUMBERED = "".join(f"{i},{i % 3},{i * 0.1:.1f},{i // 10}\n" for i in range(20))
WINE = "".join(f"{1 + i // 60},{i * 0.37:.2f},{i % 7},{3 * i % 121 + 200}\n" for i in range(178))
TABLES = {
    "plain": ROWS,
    "header": "x,y,label\n" + ROWS,
    "wine": WINE,
    "pandas": ",x,y,label\n" + NUMBERED,
    "semicolons": "sep=;\n" + ROWS.replace(",", ";").replace(".", ","),
}


class Reader:
    """A kind of file: good ones, the ways to damage them, and what reads them.

    `read` returns whether the file was taken; an error that it must not raise goes through.
    """

    name = "file"
    mutations: tuple[Mutation, ...] = (mutations.mutated,)
    files: list[bytes]  # what `good` has returned

    def good(self) -> list[bytes]:
        raise NotImplementedError

    def read(self, path: Path, content: bytes, good: bytes) -> bool:
        raise NotImplementedError


def named(error: Exception, path: Path) -> None:
    """Check that a message is one sentence of this file."""
    text = str(error)
    assert str(path) in text, f"the message does not name the file: {text!r}"
    assert len(text) < 600 + len(str(path)) and "\n" not in text and " at 0x" not in text, text


def right_checksum(content: bytes) -> bool:
    """Whether a checkpoint's checksum is right; those of version 1 have none."""
    found = re.search(rb'"crc32": ?"([0-9a-f]{8})"', content)
    if found is None:
        return b'"crc32"' not in content
    blank = content[: found.start(1)] + b"0" * 8 + content[found.end(1) :]
    return zlib.crc32(blank) == int(found[1], 16)


class Checkpoint(Reader):
    name = "run.safetensors"
    mutations = (mutations.mutated, mutations.in_safetensors, mutations.in_safetensors)

    def good(self) -> list[bytes]:
        files = [path.read_bytes() for path in sorted(DATA.glob("version-1-*.safetensors"))]
        task, rule = uwm.tasks.Multiplexer(1), uwm.Reinforce()
        for dtype, make in (
            ("float32", uwm.Adam),
            ("float64", lambda: uwm.SGD([0.1, uwm.Linear(0.1, 0, 9)], momentum=0.5)),
        ):
            net, optimizer, mean = uwm.Network([3, 2, 1], dtype=dtype), make(), uwm.RunningMean()
            log = uwm.train(net, rule, optimizer, task, steps=5, baseline=mean)
            uwm.save("seed", net, optimizer, mean, log, extra={"n": np.arange(3), "t": "text"})
            files.append(Path("seed").read_bytes())
        return files

    def read(self, path: Path, content: bytes, good: bytes) -> bool:
        try:
            run = uwm.load(path)
        except uwm.FileError as error:
            named(error, path)
            return False
        assert right_checksum(content)
        for layer in run.net.layers:
            assert np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()
        # What was taken is whole: it works, and it can be kept.
        run.net.forward(np.zeros((1, run.net.sizes[0])))
        uwm.save("again", *list(run), extra=run.extra)
        assert uwm.load("again").net.step == run.net.step
        return True


class Table(Reader):
    name = "a.csv"

    def good(self) -> list[bytes]:
        return [text.encode() for text in TABLES.values()] + [ROWS.encode("utf-16")]

    def read(self, path: Path, content: bytes, good: bytes) -> bool:
        from uwm.tasks import from_file

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                task = from_file(path, test_fraction=0)
            except (ValueError, OSError) as error:
                named(error, path)
                return False
        assert np.isfinite(task.table).all() and len(task.class_names) >= 2
        said = " ".join(str(each.message) for each in caught)
        if self.name == "a.csv" and not content.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b")):
            self.check_examples(len(task.train_labels), content, said)
        return True

    def check_examples(self, examples: int, content: bytes, said: str) -> None:
        """No example is lost in silence: every line is one, or it is named."""
        lines = [line for line in content.splitlines() if line.strip(b" ,;\t|\x0b\x0c")]
        if "left out" in said or b"#" in content or b"sep=" in content.lower():
            return
        assert len(lines) - 1 <= examples <= len(lines), f"{examples} examples: {said}"


class Packed(Table):
    name = "a.csv.gz"
    mutations = (mutations.mutated, mutations.in_gzip)

    def good(self) -> list[bytes]:
        return [gzip.compress(text.encode()) for text in TABLES.values()]


class Arrays(Table):
    name = "a.npz"
    mutations = (mutations.mutated, mutations.in_npz, mutations.in_npz)

    def good(self) -> list[bytes]:
        files = []
        x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
        names = np.array(["a", "é"])[y]
        for save, arrays in (
            (np.savez, {"inputs": x, "labels": y}),
            (np.savez_compressed, {"inputs": x.astype("f4"), "labels": names}),
            (np.savez, {"inputs": x, "labels": y, "test_inputs": x[:3], "test_labels": y[:3]}),
        ):
            file = io.BytesIO()
            save(file, **arrays)
            files.append(file.getvalue())
        return files


def small(**changes: Any) -> Any:
    from uwm.experiments import Settings

    fixed = {"address_bits": 1, "hidden": (4,), "rules": ("ste", "weight_max"), "episodes": 40,
             "batch_size": 4, "seeds": 1}  # fmt: skip
    return Settings(**{**fixed, **changes})


class SettingsFile(Reader):
    name = "settings.json"
    mutations = (mutations.mutated, mutations.in_json)

    def good(self) -> list[bytes]:
        settings = (small(), small(learning_rates={"ste": [0.1, 0.2]}, baselines={"ste": 0.5}),
                    small(task="a.csv", label="kind", delimiter=";", header=True))  # fmt: skip
        return [json.dumps(each.as_dict()).encode() for each in settings]

    def read(self, path: Path, content: bytes, good: bytes) -> bool:
        from uwm.experiments import Settings
        from uwm.experiments.settings_file import read_settings

        try:
            values = read_settings(path)
        except ValueError as error:
            named(error, path)
            return False
        try:
            Settings.for_task(**{"task": "multiplexer", **values}).describe()
        except (ValueError, TypeError) as error:
            text = str(error)
            assert 0 < len(text) < 400 and "\n" not in text and "__init__" not in text, text
            return False
        return True


class Results(Reader):
    """A store of results."""

    name = "results.sqlite"
    mutations = (mutations.mutated,)

    def good(self) -> list[bytes]:
        from uwm.experiments import compare
        from uwm.experiments.store import Store

        compare(small(seeds=2), jobs=1, store="good")
        with Store("good") as store:  # alone in its file once it is closed
            self.rows = list(store.rows())
        return [Path("good/results.sqlite").read_bytes()]

    def read(self, path: Path, content: bytes, good: bytes) -> bool:
        from uwm.experiments.store import Store

        for journal in path.parent.glob("results.sqlite-*"):
            journal.unlink()
        try:
            with Store(path.parent, create=False) as store:
                list(store.rows())
                store.failures()
                store.studies()
                store.find(row.key for row in self.rows)
        except (OSError, ValueError) as error:
            named(error, path)
            return False
        return True


KINDS: dict[str, Callable[[], Reader]] = {
    "checkpoint": Checkpoint,
    "table": Table,
    "packed table": Packed,
    "arrays": Arrays,
    "settings": SettingsFile,
    "results": Results,
}


def bound_memory() -> None:
    with open("/proc/self/statm") as sizes:
        pages = int(sizes.read().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main(kind: str, seed: str, count: str, seconds: str) -> int:
    reader = KINDS[kind]()
    good = reader.files = reader.good()
    Path("damaged").mkdir()
    path = Path("damaged").absolute() / reader.name
    for content in good:
        path.write_bytes(content)
        assert reader.read(path, content, content)
    chance = random.Random(int(seed))
    refused = tried = 0
    bound_memory()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until = time.monotonic() + float(seconds)
    while tried < int(count) and (time.monotonic() < until or tried < 20):
        chosen = chance.choice(good)
        content = chance.choice(reader.mutations)(chosen, chance, chance.choice(good))
        path.write_bytes(content)
        faulthandler.dump_traceback_later(HANG, exit=True)
        try:
            refused += not reader.read(path, content, chosen)
        except BaseException:
            print(f"file {tried}: {content!r:.20000}")
            raise
        faulthandler.cancel_dump_traceback_later()
        tried += 1
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < RESIDENT, f"{taken} KB for small files"
    print(tried, refused)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
