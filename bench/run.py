#!/usr/bin/env python3
"""Times uwm beside its peers, and its cost against width, batch, depth and threads; see README.md.

python bench/run.py            # everything, into bench/results/<date>-<processor>/
python bench/run.py --short    # under a minute: does everything run, do the results agree?
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import peers
from peers.problem import RULES
from report import write_plots, write_table

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-4  # float32: largest difference, relative to the largest number of an array
UNBIASED = RULES[3:]
SWEPT = ("weight_max", *UNBIASED[::-1])


@dataclass
class Row:
    """One measurement."""

    experiment: str
    peer: str
    rule: str
    hidden: str
    batch: int
    threads: int
    repeat: int
    quantity: str
    value: float


@dataclass
class Plan:
    """What is measured, and for how long."""

    cases: list[tuple[tuple[int, ...], int]]
    widths: list[int]
    batches: list[int]
    depths: list[int]
    shared: list[tuple[tuple[int, ...], int]]
    episodes: int
    repeats: int
    seconds: float
    warm_up: float
    imports: int


FULL = Plan(
    cases=[((64, 32), 1), ((64, 32), 16), ((256, 256), 256), ((1024, 1024), 256)],
    widths=[16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
    batches=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
    depths=[1, 2, 3, 4, 6, 8],
    shared=[((256, 256), 256), ((1024, 1024), 256)],
    episodes=800_000,
    repeats=5,
    seconds=0.2,
    warm_up=0.05,
    imports=9,
)
SHORT = Plan(
    cases=[((24, 16), 1), ((24, 16), 8)],
    widths=[16, 32],
    batches=[1, 8],
    depths=[1, 2],
    shared=[((64, 64), 64)],
    episodes=200,
    repeats=1,
    seconds=0.005,
    warm_up=0.001,
    imports=1,
)


def hopeless(peer: str, rule: str, hidden: tuple[int, ...], batch: int) -> str:
    """Why a combination is left out, or nothing."""
    work = batch * max(hidden) ** 2
    if peer == "uwm_reference" and work > 1 << (22 if rule in UNBIASED else 25):
        return "float64 and written to be read: seconds per step"
    return ""


class Worker:
    """A peer's process."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer, self.threads = peer, threads
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), "--peer", peer, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """An answer, or {"error": ...}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the process died"}
        return answer

    def close(self) -> None:
        if self.process.poll() is None:
            try:
                self.ask(do="quit")
                self.process.wait(10)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()


def shape(hidden: tuple[int, ...]) -> str:
    return "x".join(map(str, hidden))


@dataclass
class Bench:
    """The measurements so far."""

    plan: Plan
    peers: list[str]
    threads: int
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    agreement: dict[str, float] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.say(f"note: {text}")

    def alternate(
        self,
        experiment: str,
        workers: Iterable[Worker],
        rule: str,
        hidden: tuple[int, ...],
        batch: int,
        check: bool,
    ) -> None:
        """Opens one problem in every worker and measures it in turn, `repeats` times."""
        repeats: dict[Worker, int] = {}
        for w in workers:
            if times := self.open(w, rule, hidden, batch, check):
                repeats[w] = times
        measured: dict[str, list[float]] = {w.peer: [] for w in repeats}
        for repeat in range(self.plan.repeats):
            for w in (w for w, times in repeats.items() if repeat < times):
                time.sleep(0.02 if self.plan is FULL else 0.0)  # the last one's threads go to sleep
                answer = w.ask(do="time", seconds=self.plan.seconds)
                if "error" in answer:
                    self.note(f"{w.peer}, {rule}, {shape(hidden)}: {answer['error']}")
                    continue
                per_step = 1e6 * answer["seconds"] / answer["steps"]
                where = (experiment, w.peer, rule, hidden, batch, w.threads, repeat)
                self.add(*where, "us_per_step", per_step)
                measured[w.peer].append(per_step)
        told = "  ".join(f"{p} {statistics.median(v):,.1f}" for p, v in measured.items() if v)
        self.say(f"{experiment:8s} {rule:30s} {shape(hidden):>10s} batch {batch:4d}  us: {told}")

    def open(self, w: Worker, rule: str, hidden: tuple[int, ...], batch: int, check: bool) -> int:
        """Opens a problem in a worker: how often it is measured, 0 if it is left out."""
        where = f"{w.peer}, {rule}, hidden {shape(hidden)}, batch {batch}"
        if why := hopeless(w.peer, rule, hidden, batch):
            self.note(f"{where}: left out ({why})")
            return 0
        problem = {"hidden": hidden, "batch": batch, "rule": rule, "check": check}
        answer = w.ask(do="open", **problem, warm_up=self.plan.warm_up)
        if "error" in answer:
            self.note(f"{where}: does not run here ({answer['error']})")
            self.failed |= w.peer == "uwm"
            return 0
        self.versions.update(answer["versions"])
        if check:
            self.agreement[where] = answer["disagreement"]
            if not answer["disagreement"] <= TOLERANCE:
                self.note(f"{where}: left out, differs by {answer['disagreement']:.1e}")
                self.failed = True
                return 0
        if answer["way"] is not None:
            self.ways[where] = answer["way"]
        return min(3, self.plan.repeats) if answer["step_seconds"] > 0.5 else self.plan.repeats

    def add(
        self,
        experiment: str,
        peer: str,
        rule: str,
        hidden: tuple[int, ...],
        batch: int,
        threads: int,
        repeat: int,
        quantity: str,
        value: float,
    ) -> None:
        row = Row(
            experiment,
            peer,
            rule,
            shape(hidden),
            batch,
            threads,
            repeat,
            quantity,
            float(f"{value:.6g}"),
        )
        self.rows.append(row)

    def steps(self) -> None:
        """Whole training steps, ours and the peers'."""
        workers = [Worker(peer, self.threads) for peer in self.peers]
        try:
            for hidden, batch in self.plan.cases:
                for rule in RULES:
                    self.alternate("step", workers, rule, hidden, batch, check=True)
        finally:
            for w in workers:
                w.close()

    def sweeps(self) -> None:
        """Ours against width, batch and depth with all threads, and with one thread and all."""
        all_threads, one = Worker("uwm", self.threads), Worker("uwm", 1)
        try:
            for rule in SWEPT:
                for n in self.plan.widths:
                    self.alternate("width", [all_threads], rule, (n, n), 16, check=False)
                for batch in self.plan.batches:
                    self.alternate("batch", [all_threads], rule, (256, 256), batch, check=False)
                for depth in self.plan.depths:
                    self.alternate("depth", [all_threads], rule, (256,) * depth, 64, check=False)
            for hidden, batch in self.plan.shared:
                for rule in RULES:
                    for w in (one, all_threads) if self.threads > 1 else (one,):
                        self.alternate("threads", [w], rule, hidden, batch, check=False)
        finally:
            all_threads.close()
            one.close()

    def probes(self) -> None:
        """Each in a process of its own: the published run, memory, import time."""
        for rule in ("weight_max", "unbiased_weight_max_posterior"):
            for repeat in range(min(3, self.plan.repeats)):
                run = self.probe("multiplexer", rule, str(self.plan.episodes))
                where = ("multiplexer", "uwm", rule, (64, 32), 1, 1, repeat)
                self.add(*where, "us_per_step", run["us_per_step"])
                self.add(*where, "mean_reward", run["mean_reward"])
        hidden, batch = self.plan.cases[-1]
        for rule in RULES:
            run = self.probe("memory", rule, shape(hidden), str(batch), str(self.threads))
            if run["excess_mib"] is None:
                self.note("peak memory is measured on Linux only")
                break
            beyond = "peak_less_parameters_and_moments_mib"
            for quantity, mib in (("peak_mib", run["peak_mib"]), (beyond, run["excess_mib"])):
                self.add("memory", "uwm", rule, hidden, batch, self.threads, 0, quantity, mib)
        for repeat in range(self.plan.imports):
            run = self.probe("import")
            self.add("import", "uwm", "", (), 0, 1, repeat, "numpy_ms", run["numpy_ms"])
            self.add("import", "uwm", "", (), 0, 1, repeat, "uwm_after_numpy_ms", run["uwm_ms"])

    def probe(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, str(HERE / "probe.py"), *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        self.say(f"{' '.join(arguments)}: {result}")
        return result

    def wheel(self, path: str | None) -> None:
        found = [Path(path)] if path else sorted((HERE.parent / "dist").glob("uwm-*.whl"))
        if found:
            self.add("wheel", "uwm", "", (), 0, 0, 0, "mb", found[-1].stat().st_size / 1e6)


def processor() -> tuple[str, list[str]]:
    """Its name, and the flags that say which kernels can run."""
    name = platform.processor() or platform.machine()
    flags: list[str] = []
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return name, flags
    if found := re.search(r"^model name\s*:\s*(.+)$", text, re.M):
        name = found[1]
    family = re.search(r"^cpu family\s*:\s*(\d+)$", text, re.M)
    model = re.search(r"^model\s*:\s*(\d+)$", text, re.M)
    if family and model:
        name += f" (family {family[1]}, model {model[1]})"
    if found := re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.M):
        wanted = re.compile(r"^(sse4_2|avx|avx2|fma|f16c|avx512\w*|asimd\w*|sve\w*)$")
        flags = sorted(f for f in found[1].split() if wanted.match(f))
    return name, flags


def environment(bench: Bench) -> dict[str, Any]:
    name, flags = processor()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "processor": name,
        "flags": flags,
        "cores": os.cpu_count(),
        "threads": bench.threads,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": load,
        "peers": bench.peers,
        "plan": asdict(bench.plan),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="only see that it runs and agrees")
    parser.add_argument(
        "--peers",
        help="comma-separated, of " + ", ".join(peers.PEERS) + " (default: those installed)",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, help="measurements of each (median taken)")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--image", type=Path, help="also write the plot of the training steps here")
    parser.add_argument(
        "--wheel", help="wheel whose size is recorded (default: the newest in dist/)"
    )
    parser.add_argument("--no-steps", action="store_true", help="leave out the peers")
    parser.add_argument("--no-sweeps", action="store_true", help="leave out width, batch, depth")
    arguments = parser.parse_args()

    plan = SHORT if arguments.short else FULL
    if arguments.repeats:
        plan.repeats = arguments.repeats
    chosen = arguments.peers.split(",") if arguments.peers else list(peers.PEERS)
    if unknown := set(chosen) - set(peers.PEERS):
        parser.error(f"--peers: expected some of {', '.join(peers.PEERS)}, got {sorted(unknown)}")
    bench = Bench(plan, [], arguments.threads)
    for peer in chosen:
        if not peers.installed(peer):
            bench.note(f"{peer}: not installed")
        elif arguments.short and peer == "torch_compiled" and not arguments.peers:
            bench.note(f"{peer}: left out of the short form, its compiling takes minutes")
        else:
            bench.peers.append(peer)
    about = environment(bench)
    start = time.perf_counter()
    if not arguments.no_steps:
        bench.steps()
    if not arguments.no_sweeps:
        bench.sweeps()
    bench.probes()
    bench.wheel(arguments.wheel)
    about["seconds"] = round(time.perf_counter() - start)
    about["versions"] = bench.versions
    about["disagreement"] = bench.agreement
    about["ways"] = bench.ways
    about["notes"] = bench.notes

    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\(.*", "", about["processor"]).lower()).strip("-")
    out = arguments.out or HERE / "results" / f"{about['date'][:10]}-{slug}"
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(Row.__annotations__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in bench.rows)
    (out / "environment.json").write_text(json.dumps(about, indent=1) + "\n")
    write_table(out)
    write_plots(out, arguments.image)
    bench.say(f"{out}: {len(bench.rows)} measurements in {about['seconds']} s")
    if bench.failed:
        bench.say("FAILED: see the notes above")
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
