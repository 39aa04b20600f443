"""Find each rule's best learning rates, with the same number of trials and episodes for every rule.

Trials come in rounds of ROUND. All trials of a round are chosen from the results of the rounds
before it, each with a random state of its own, so that the search does not depend on how many runs
go at a time, nor on having been stopped and resumed.

A trial's one seed may have been lucky, above all at high rates. So the best few of each rule, the
finalists, are run again with seeds of their own, and those alone decide.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import uwm
from uwm.checks import finite, one_of, sequence, whole_number
from uwm.experiments.comparison import (
    MOST_JOBS,
    Listener,
    Request,
    Run,
    Unfinished,
    available_cores,
    chosen_task,
    digest_of,
    new_network,
    title_of,
    train_all,
)
from uwm.experiments.results import (
    UNREADABLE,
    csv_text,
    make_folder,
    origin,
    read_rows,
    write_json,
)
from uwm.experiments.settings import MOST_SEEDS, Settings, read_json
from uwm.files import locked, replace_file
from uwm.tasks import Task

if TYPE_CHECKING:
    import optuna

ROUND = 4
MOST_TRIALS = 100_000
RANDOM_TRIALS = 8  # before the search models what it has seen
FIRST_SEED = 1_000_000  # of the trials: a comparison's seeds, from 0, are fresh ones
TUNABLE = ("learning_rate", "baseline")
OBJECTIVES = ("mean_reward", "final_reward")
BASELINES = ("none", "running-mean")
RESULTS = (*OBJECTIVES, *(f"again_{name}" for name in OBJECTIVES))
MADE_BY = ("version", "simd_level")
TRIALS, SEARCH, TUNED = "trials.csv", "search.json", "tuned.json"

Key = tuple[str, int, tuple[float | str, ...]]  # of a trial: rule, number, what it tries


@dataclass(frozen=True)
class Search:
    """What to search, and how hard; every rule gets the same.

    settings: what is held fixed, the rules, and the episodes and seeds of a trial. Its learning
    rates and baseline, where they lie in the space searched, are the first trial of every rule.
    trials: of each rule. finalists: how many of them are run again, with finalist_seeds further
    seeds, which decide; 0 for none. They are taken in turn from the best by mean and by final
    reward. tune: which of "learning_rate" (one per layer) and "baseline" (none or a
    running mean) to search. objective: "mean_reward" or "final_reward", averaged over the seeds.
    lowest_rate, highest_rate: the range of the rates, on a logarithmic scale.
    seed: of the search itself.

    Raises ValueError or TypeError for values that make no sense.

    >>> Search(Settings(hidden=(8,)), trials=16).parameters
    ('learning_rate_1', 'learning_rate_2', 'baseline')
    """

    settings: Settings
    trials: int = 32
    finalists: int = 4
    finalist_seeds: int = 3
    tune: Sequence[str] = TUNABLE
    objective: str = "mean_reward"
    lowest_rate: float = 1e-4
    highest_rate: float = 1e-1
    seed: int = 0

    def __post_init__(self) -> None:
        checked: dict[str, object] = {
            "trials": whole_number("trials", self.trials, 1, MOST_TRIALS),
            "finalists": whole_number("finalists", self.finalists, 0, MOST_TRIALS),
            "finalist_seeds": whole_number("finalist_seeds", self.finalist_seeds, 1, MOST_SEEDS),
            "seed": whole_number("seed", self.seed, 0, 2**64),
            "lowest_rate": finite("lowest_rate", self.lowest_rate),
            "highest_rate": finite("highest_rate", self.highest_rate),
            "tune": sequence("tune", self.tune),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if not self.tune:
            raise ValueError(f"tune: expected some of {', '.join(TUNABLE)}, got nothing")
        for name in self.tune:
            one_of("tune", name, TUNABLE)
        one_of("objective", self.objective, OBJECTIVES)
        if not 0 < self.lowest_rate < self.highest_rate:
            raise ValueError(
                f"lowest_rate, highest_rate: expected 0 < {self.lowest_rate} < {self.highest_rate}"
            )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what is searched."""
        layers = range(1, len(self.settings.hidden) + 2)
        rates = [f"learning_rate_{k}" for k in layers] if "learning_rate" in self.tune else []
        return (*rates, *(["baseline"] if "baseline" in self.tune else []))

    def describe(self) -> str:
        """Return the budget in one line."""
        seeds = self.settings.seeds
        each = f"{seeds} seeds each" if seeds > 1 else "one seed each"
        again = f", the best {self.finalists} again with {self.finalist_seeds} more"
        return (
            f"the best of {self.trials} trials of {self.settings.episodes:,} episodes, {each}"
            f"{again if self.finalists else ''}, by {self.objective.replace('_', ' ')}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all that a trial's result depends on, as JSON can hold it."""
        fixed = self.settings.as_dict()
        for name in ("rules", "learning_rates", "baselines", "rates_from"):
            del fixed[name]
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        own["tune"] = list(self.tune)
        return {**own, "settings": fixed}

    def apply(self, rule: str, choice: dict[str, float | str]) -> Settings:
        """Return the settings with what a trial chose for a rule."""
        rates, baselines = dict(self.settings.learning_rates), dict(self.settings.baselines)
        if "learning_rate" in self.tune:
            rates[rule] = tuple(float(v) for k, v in choice.items() if k != "baseline")
        if "baseline" in self.tune:
            baselines[rule] = None if choice["baseline"] == "none" else str(choice["baseline"])
        return dataclasses.replace(self.settings, learning_rates=rates, baselines=baselines)


@dataclass(frozen=True)
class Trial:
    """What was tried for a rule and how it went, averaged over the seeds; NaN where it diverged.

    again_mean_reward, again_final_reward: of a finalist, over its further seeds; NaN for others.
    version and simd_level say which uwm and which instruction set made it.
    """

    rule: str
    number: int
    choice: dict[str, float | str]
    mean_reward: float
    final_reward: float
    again_mean_reward: float = math.nan
    again_final_reward: float = math.nan
    version: str = ""
    simd_level: str = ""

    @property
    def key(self) -> Key:
        """What tells the trial from all others of its search."""
        return self.rule, self.number, tuple(self.choice.values())


@dataclass(frozen=True, eq=False)
class Tuned:
    """The results of `tune`: all trials, and per rule the best one and what mattered."""

    search: Search
    title: str
    trials: tuple[Trial, ...]
    importance: dict[str, dict[str, float]]
    task_sha256: str | None = None

    def best(self, rule: str, objective: str | None = None) -> Trial:
        """Return a rule's best finalist, by another objective than the search's if one is given.

        Without finalists the best trial. Raises ValueError if all of them diverged.
        """
        name = one_of_objectives(objective or self.search.objective)
        if self.search.finalists:
            name = f"again_{name}"
        done = [t for t in self.trials if t.rule == rule and not math.isnan(getattr(t, name))]
        if not done:
            raise ValueError(f"{rule}: every trial diverged; lower the learning rates searched")
        return max(done, key=lambda trial: float(getattr(trial, name)))

    def settings(self, objective: str | None = None) -> Settings:
        """Return settings for `compare` in which every rule has its best rates and baseline.

        Rules whose trials all diverged are left out. Seeds are those of a comparison by default.
        """
        search = self.search
        if objective is not None:
            search = dataclasses.replace(search, objective=one_of_objectives(objective))
        rates: dict[str, Any] = {}
        baselines: dict[str, Any] = {}
        rules = []
        for rule in search.settings.rules:
            name = rule if isinstance(rule, str) else str(rule.name)
            try:
                chosen = search.apply(name, self.best(name, search.objective).choice)
            except ValueError:
                continue
            rules.append(rule)
            rates[name] = chosen.rates(name)
            baselines[name] = chosen.baseline_of(name)
        return dataclasses.replace(
            search.settings,
            rules=rules,
            learning_rates=rates,
            baselines=baselines,
            rates_from=rates_from(search, search.trials, search.trials),
            seeds=Settings.seeds,
            first_seed=0,
        )

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write tuned.json, for `uwm compare --settings`, and trials.csv; return their paths.

        Nothing that the folder holds of the same search is lost: its trials stay, and so do the
        best settings of other rules, and those of a rule that had more trials.
        Raises ValueError if the folder holds another search.
        """
        folder = Path(folder)
        check_search(folder, self.search, self.task_sha256)
        write_trials(folder, self.search, self.trials)
        with locked(folder):
            write_json(folder / TUNED, with_earlier(self, folder))
        return [folder / TUNED, folder / TRIALS]

    def as_dict(self) -> dict[str, Any]:
        """Return the best settings, and under `search` how they were found."""
        settings = self.settings()
        best = {}
        for rule in settings.rule_names:
            trial = self.best(rule)
            found = {name: getattr(trial, name) for name in ("number", *RESULTS)}
            best[rule] = {k: None if math.isnan(v) else v for k, v in found.items()}
            best[rule]["trials"] = self.search.trials
        about = {**self.search.as_dict(), "best": best, "importance": self.importance}
        return {**settings.as_dict(), **origin(self.task_sha256), "search": about}


def rates_from(search: Search, least: int, most: int) -> str:
    """Return in words where tuned rates are from, and what they were found on."""
    trials = f"{least}" if least == most else f"{least} to {most}"
    fixed = search.settings
    sizes = ", ".join(str(size) for size in fixed.hidden)
    optimizer = {"adam": "Adam", "sgd": "SGD"}[fixed.optimizer]
    return (
        f"uwm tune: {search.describe().replace(f'{search.trials} trials', f'{trials} trials', 1)},"
        f" on {title_of(fixed)}, [{sizes}] hidden units, batch size {fixed.batch_size}, {optimizer}"
    )


def with_earlier(new: Tuned, folder: Path) -> dict[str, Any]:
    """Return tuned.json with what the folder's has of other rules, or from more trials."""
    values = new.as_dict()
    try:
        there = read_json(folder / TUNED)
        about, best = values["search"], there["search"]["best"]
        for rule in there["rules"]:
            if rule in about["best"] and best[rule]["trials"] <= about["best"][rule]["trials"]:
                continue
            own = {what: there[what][rule] for what in ("learning_rates", "baselines")}
            importance = there["search"]["importance"].get(rule, {})
            trials = best[rule]["trials"]
            values["rules"] = list(dict.fromkeys([*values["rules"], rule]))
            for what, value in own.items():
                values[what][rule] = value
            about["best"][rule], about["importance"][rule] = best[rule], importance
            about["trials"] = max(about["trials"], trials)
    except UNREADABLE:
        return values  # there is none, or it is damaged
    counts = [each["trials"] for each in about["best"].values()]
    values["rates_from"] = rates_from(new.search, min(counts), max(counts))
    return values


class TuningInterrupted(KeyboardInterrupt):
    """Ctrl-C during `tune`; the finished trials are in the folder, and the next call goes on."""


def tune(
    search: Search,
    *,
    folder: str | os.PathLike[str] | None = None,
    task: Task | None = None,
    jobs: int | None = None,
    progress: Listener | None = None,
    finished: Callable[[Trial], None] | None = None,
) -> Tuned:
    """Search the best learning rates of each rule with Optuna's tree-structured Parzen estimator.

    folder: keeps the finished trials in trials.csv as they come; a later call with the same search
    goes on from there, with more trials if it asks for more, as if it had never been stopped.
    task, jobs, progress: as in `compare`. finished(trial): called whenever a trial is complete.

    A trial in which a run diverges counts as tried, without a result.

    Raises ValueError or TypeError for wrong settings or a folder that holds another search,
    ImportError if Optuna is missing, OSError, and TuningInterrupted on Ctrl-C.

    >>> search = Search(Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=50, seeds=1),
    ...                 trials=2)
    >>> [trial.number for trial in tune(search).trials]
    [0, 1]
    """
    check_optuna()
    jobs = available_cores() if jobs is None else whole_number("jobs", jobs, 1, MOST_JOBS)
    settings, title, task = chosen_task(search.settings, task)
    search = dataclasses.replace(search, settings=settings)
    sha256 = digest_of(settings, task)
    new_network(settings, task, settings.first_seed)  # what it refuses, it refuses before training

    kept = resume(Path(folder), search, sha256) if folder is not None else {}
    trials: dict[tuple[str, int], Trial] = {}

    def told(trial: Trial) -> None:
        if folder is not None:
            write_trials(Path(folder), search, [trial])
        if finished is not None:
            finished(trial)

    studies = {name: new_study(search, name) for name in settings.rule_names}
    for first in range(0, search.trials, ROUND):
        asked: dict[tuple[str, int], tuple[optuna.Trial, dict[str, float | str]]] = {}
        for name, study in studies.items():
            for number in range(first, min(first + ROUND, search.trials)):
                asked[name, number] = ask(study, search, number)
        done = {
            key: kept[known]
            for key, (_, choice) in asked.items()
            if (known := (*key, tuple(choice.values()))) in kept
        }

        def keep(
            key: tuple[str, int],
            results: tuple[float, float],
            asked: dict[tuple[str, int], tuple[optuna.Trial, dict[str, float | str]]] = asked,
            done: dict[tuple[str, int], Trial] = done,
        ) -> None:
            made_by: Any = {"version": uwm.__version__, "simd_level": uwm.simd_level()}
            done[key] = Trial(*key, asked[key][1], *results, **made_by)
            told(done[key])

        missing = {
            key: search.apply(key[0], choice)
            for key, (_, choice) in asked.items()
            if key not in done
        }
        run_trials(missing, task, jobs, progress, keep)
        for key, (trial, _) in asked.items():
            trials[key] = done[key]
            value = float(getattr(done[key], search.objective))
            studies[key[0]].tell(trial, None if math.isnan(value) else value,
                                 state=state_of(value))  # fmt: skip

    def keep_again(key: tuple[str, int], results: tuple[float, float]) -> None:
        trials[key] = dataclasses.replace(
            trials[key], again_mean_reward=results[0], again_final_reward=results[1]
        )
        told(trials[key])

    final = [
        (name, trial.number)
        for name in settings.rule_names
        for trial in finalists([t for t in trials.values() if t.rule == name], search)
    ]
    again = {
        (name, number): dataclasses.replace(
            search.apply(name, trials[name, number].choice),
            seeds=search.finalist_seeds,
            first_seed=settings.first_seed + settings.seeds,
        )
        for name, number in final
        if math.isnan(trials[name, number].again_mean_reward)
    }
    run_trials(again, task, jobs, progress, keep_again)
    order = [
        trials[name, number]
        if (name, number) in final  # else a finalist of an earlier, smaller search at most
        else dataclasses.replace(
            trials[name, number], again_mean_reward=math.nan, again_final_reward=math.nan
        )
        for name in settings.rule_names
        for number in range(search.trials)
    ]
    importance = {name: importance_of(study) for name, study in studies.items()}
    return Tuned(search, title, tuple(order), importance, sha256)


def finalists(trials: Sequence[Trial], search: Search) -> list[Trial]:
    """Return a rule's trials that are run again: in turn the best by mean and by final reward."""
    best = [
        sorted(
            (trial for trial in trials if not math.isnan(trial.mean_reward)),
            key=lambda trial: (-float(getattr(trial, name)), trial.number),
        )
        for name in sorted(OBJECTIVES, key=lambda name: name != search.objective)
    ]
    in_turn = [trial for both in zip(*best, strict=True) for trial in both]
    return list({trial.number: trial for trial in in_turn}.values())[: search.finalists]


def run_trials(
    settings: dict[tuple[str, int], Settings],
    task: Task,
    jobs: int,
    progress: Listener | None,
    keep: Callable[[tuple[str, int], tuple[float, float]], None],
) -> None:
    """Train every seed of every trial; hand over the averages of each when its last seed is done.

    settings: by rule and trial number.
    """
    keys = [key for key, each in settings.items() for _ in each.seed_range]
    requests = [
        Request(each, task, each.rules[each.rule_names.index(name)], seed)
        for (name, _), each in settings.items()
        for seed in each.seed_range
    ]
    runs: dict[tuple[str, int], dict[int, Run | Unfinished]] = {key: {} for key in settings}

    def collect(k: int, run: Run | Unfinished) -> None:
        key = keys[k]
        runs[key][run.seed] = run
        if len(runs[key]) == settings[key].seeds:
            keep(key, averages([runs[key][seed] for seed in settings[key].seed_range]))

    _, interrupted = train_all(requests, jobs=jobs, progress=progress, finished=collect)
    if interrupted:
        raise TuningInterrupted


def averages(runs: Sequence[Run | Unfinished]) -> tuple[float, float]:
    """Return mean and final reward over the seeds, NaN if one of the runs diverged."""
    finished = [run for run in runs if isinstance(run, Run)]
    if len(finished) < len(runs):
        return math.nan, math.nan
    return (
        float(np.mean([run.mean_reward for run in finished])),
        float(np.mean([run.final_reward for run in finished])),
    )


def new_study(search: Search, rule: str) -> optuna.Study:
    """Return an empty study whose first trial will be at the settings' own rates and baseline."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    rates = search.settings.rates(rule)
    layers = len(search.settings.hidden) + 1
    start: dict[str, Any] = {}
    for k, rate in enumerate(rates if isinstance(rates, tuple) else (rates,) * layers, start=1):
        if search.lowest_rate <= rate <= search.highest_rate:
            start[f"learning_rate_{k}"] = rate
    if search.settings.baseline_of(rule) in (None, "running-mean"):
        start["baseline"] = search.settings.baseline_of(rule) or "none"
    study.enqueue_trial({name: start[name] for name in search.parameters if name in start})
    return study


def ask(
    study: optuna.Study, search: Search, number: int
) -> tuple[optuna.Trial, dict[str, float | str]]:
    """Return the study's next trial and what it is to try."""
    import optuna

    # Numbers of its own for every trial, whatever was asked before; the same for every rule, so
    # that none is luckier in its random trials.
    state = np.random.SeedSequence([search.seed, number]).generate_state(1)
    with warnings.catch_warnings():
        # The multivariate estimator is called experimental; without it layers count one by one.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(
            seed=int(state[0]), n_startup_trials=RANDOM_TRIALS, multivariate=True
        )
    space: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(BASELINES)
        if name == "baseline"
        else optuna.distributions.FloatDistribution(
            search.lowest_rate, search.highest_rate, log=True
        )
        for name in search.parameters
    }
    trial = study.ask(space)
    # Four digits are enough to be told, and are what the results then stand for.
    choice = {
        name: value if isinstance(value, str) else float(f"{value:.4g}")
        for name, value in trial.params.items()
    }
    return trial, {name: choice[name] for name in search.parameters}


def state_of(value: float) -> optuna.trial.TrialState:
    """Return how Optuna calls a trial with this value."""
    import optuna

    return optuna.trial.TrialState.FAIL if math.isnan(value) else optuna.trial.TrialState.COMPLETE


def importance_of(study: optuna.Study) -> dict[str, float]:
    """Return each parameter's share of the objective's variance over the space, by fANOVA.

    Nothing without scikit-learn, from too few trials, or if all went alike.
    """
    import optuna

    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < ROUND:
        return {}
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ImportError, RuntimeError):
        return {}
    return {name: float(share) for name, share in found.items()}


def resume(folder: Path, search: Search, sha256: str | None) -> dict[Key, Trial]:
    """Return the trials that the folder holds, after writing down which search it is for.

    Raises ValueError if they are of another search; the number of trials may differ.
    """
    check_search(folder, search, sha256)
    return read_trials(folder / TRIALS, search) if (folder / TRIALS).exists() else {}


def check_search(folder: Path, search: Search, sha256: str | None) -> None:
    """Write down which search the folder is for, or raise ValueError if it is another's."""
    make_folder(folder)
    fixed = {**search.as_dict(), "trials": None, "finalists": None}
    if sha256 is not None:
        fixed["task_sha256"] = sha256
    wanted = json.loads(json.dumps(fixed))
    path = folder / SEARCH
    if path.exists():
        try:
            found = read_json(path)
        except ValueError:
            found = None
        if found != wanted:
            raise ValueError(
                f"{folder}: holds another search{differences(found, wanted)};"
                " choose another folder, or delete this one"
            )
    else:
        write_json(path, wanted)


def differences(found: object, wanted: dict[str, Any]) -> str:
    """Return the first setting that differs, for an error message."""
    if not isinstance(found, dict) or not isinstance(found.get("settings"), dict):
        return ""
    before, now = ({**d, **d["settings"]} for d in (found, wanted))
    for name in now:
        if name != "settings" and before.get(name) != now[name]:
            return f" ({name} {before.get(name)!r} there, {now[name]!r} now)"
    return ""


def write_trials(folder: Path, search: Search, trials: Sequence[Trial]) -> None:
    """Add trials to the folder's trials.csv, or put them in the place of what it has of them."""
    path = folder / TRIALS
    with locked(folder):
        known = read_trials(path, search) if path.exists() else {}
        for trial in trials:
            there = known.get(trial.key)
            if there is not None and math.isnan(trial.again_mean_reward):
                trial = dataclasses.replace(  # a finalist of another call
                    trial,
                    again_mean_reward=there.again_mean_reward,
                    again_final_reward=there.again_final_reward,
                )
            known[trial.key] = trial
        rules = list(dict.fromkeys(trial.rule for trial in known.values()))
        rows: list[list[object]] = [
            [t.rule, t.number, *(t.choice[name] for name in search.parameters),
             *(getattr(t, name) for name in (*RESULTS, *MADE_BY))]
            for t in sorted(known.values(), key=lambda t: (rules.index(t.rule), t.number))
        ]  # fmt: skip
        header = ["rule", "trial", *search.parameters, *RESULTS, *MADE_BY]
        replace_file(path, csv_text(header, rows).encode())


def read_trials(path: Path, search: Search) -> dict[Key, Trial]:
    """Return the trials of a file that write_trials wrote."""
    trials = {}
    try:
        for row in read_rows(path):
            choice = {
                name: row[name] if name == "baseline" else float(row[name])
                for name in search.parameters
            }
            results: Any = [float(row[name]) for name in RESULTS]
            made_by: Any = {name: row.get(name) or "" for name in MADE_BY}
            trial = Trial(row["rule"], int(row["trial"]), choice, *results, **made_by)
            trials[trial.key] = trial
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a file of trials: {error}") from None
    return trials


def one_of_objectives(name: str) -> str:
    """Return the name of an objective, or raise ValueError."""
    one_of("objective", name, OBJECTIVES)
    return name


def check_optuna() -> None:
    """Raise ImportError that says what to install if Optuna is missing."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ImportError('uwm tune needs Optuna: pip install "uwm[tune]"') from None
