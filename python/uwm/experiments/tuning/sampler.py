"""Which trial comes next: Optuna's tree-structured Parzen estimator, seeded trial by trial."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.experiments.tuning.search import BASELINES, Search

if TYPE_CHECKING:
    import optuna

FALLING_RATES = 0.02, 0.002  # of the first and the last layer: the first trial by default
RANDOM_TRIALS = 8  # before the search models what it has seen
FEWEST_FOR_IMPORTANCE = 4  # different values


def check_optuna() -> None:
    """Raise ImportError that says what to install if Optuna is missing."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ImportError('uwm tune needs Optuna: pip install "uwm[tune]"') from None


def new_study(search: Search, rule: str) -> optuna.Study:
    """Return an empty study whose first trial will be at the settings' own rates and baseline."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # or each study tells its random name
    try:
        study = optuna.create_study(direction="maximize")
    finally:
        optuna.logging.set_verbosity(before)
    rates = search.settings.rates(rule)
    layers = len(search.settings.hidden) + 1
    if isinstance(rates, str):  # automatic ones change along training; the search's are constants
        rates = tuple(np.geomspace(*FALLING_RATES, layers).round(6).tolist())
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
    study.sampler = new_sampler(search, number)
    trial = study.ask(space_of(search))
    # Four digits are enough to be told, and are what the results then stand for.
    choice = {
        name: value if isinstance(value, str) else float(f"{value:.4g}")
        for name, value in trial.params.items()
    }
    return trial, {name: choice[name] for name in search.parameters}


def new_sampler(search: Search, number: int) -> optuna.samplers.BaseSampler:
    """Return what proposes the trial of this number."""
    import optuna

    # Numbers of its own for every trial, whatever was asked before; the same for every rule, so
    # that none is luckier in its random trials.
    state = np.random.SeedSequence([search.seed, number]).generate_state(1)
    with warnings.catch_warnings():
        # The multivariate estimator is called experimental; without it layers count one by one.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=int(state[0]), n_startup_trials=RANDOM_TRIALS, multivariate=True
        )


def space_of(search: Search) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the space in Optuna's words."""
    import optuna

    return {
        name: optuna.distributions.CategoricalDistribution(BASELINES)
        if name == "baseline"
        else optuna.distributions.FloatDistribution(
            search.lowest_rate, search.highest_rate, log=True
        )
        for name in search.parameters
    }


def tell(study: optuna.Study, trial: optuna.Trial, value: float) -> None:
    """Tell the study how its trial went; NaN stands for one without a result."""
    import optuna

    state = optuna.trial.TrialState
    failed = math.isnan(value)
    study.tell(trial, None if failed else value, state=state.FAIL if failed else state.COMPLETE)


def importance_of(study: optuna.Study) -> dict[str, float]:
    """Return each parameter's share of the objective's variance over the space, by fANOVA.

    Nothing without scikit-learn, from too few trials, or if all went alike.
    """
    import optuna

    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < FEWEST_FOR_IMPORTANCE:
        return {}
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ImportError, RuntimeError):
        return {}
    return {name: float(share) for name, share in found.items()}
