"""Bandits whose actions pay what a table says, and bandits of which a log is all that is known."""

import pickle
from typing import Any

import numpy as np
import pytest

import uwm
import uwm.reference
from uwm import analysis
from uwm.tasks import Bandit, LoggedBandit

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 4))
REWARDS = RANDOM.normal(size=(50, 3))


def policy(n_actions: int = 3, **settings: Any) -> uwm.Network:
    output = "softmax" if n_actions > 1 else "bernoulli"
    return uwm.Network([4, 3, n_actions], output=output, dtype="float64", seed=1, **settings)


def test_the_reward_is_what_the_row_pays_for_the_action() -> None:
    task = Bandit(X, REWARDS)
    assert (task.n_inputs, task.n_outputs, task.labels) == (4, 3, None)
    np.testing.assert_array_equal(task.rewards, REWARDS)
    x = task.inputs(3, 8, 200)
    net = policy()
    sample = net.forward(x)
    row = [int(np.flatnonzero((each == X).all(axis=1))[0]) for each in x]
    np.testing.assert_array_equal(task.reward(3, 8, sample), REWARDS[row, sample.actions])
    twin = uwm.reference.Bandit(X, REWARDS)
    np.testing.assert_array_equal(twin.inputs(3, 8, 200), x)
    np.testing.assert_array_equal(twin.reward(3, 8, sample), task.reward(3, 8, sample))


def test_one_bernoulli_unit_chooses_between_two() -> None:
    task, twin = Bandit(X, REWARDS[:, :2]), uwm.reference.Bandit(X, REWARDS[:, :2])
    net = policy(1)
    sample = net.forward(task.inputs(0, 0, 100))
    reward = task.reward(0, 0, sample)
    assert set(reward) <= set(REWARDS[:, :2].ravel())
    np.testing.assert_array_equal(twin.reward(0, 0, sample), reward)


def test_a_pickle_keeps_the_rewards() -> None:
    task = pickle.loads(pickle.dumps(Bandit(X, REWARDS)))
    np.testing.assert_array_equal(task.rewards, REWARDS)
    log = LoggedBandit(X, np.arange(50) % 3, REWARDS[:, 0], np.full(50, 0.5))
    copy = pickle.loads(pickle.dumps(log))
    np.testing.assert_array_equal(copy.rewards, log.rewards)
    np.testing.assert_array_equal(copy.propensities, log.propensities)


def test_labels_are_a_table_of_rewards() -> None:
    labels = np.arange(50) % 3
    table = np.where(np.arange(3) == labels[:, None], 1.0, -1.0)
    logs = []
    for answer in (labels, table):
        net = policy()
        task = Bandit(X, answer)
        log = uwm.train(net, uwm.UnbiasedWeightMax(), uwm.Adam(), task, steps=50)
        logs.append((log.rewards.tolist(), net.layers[0].weight.tolist()))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("with_model", [False, True])
@pytest.mark.parametrize("rule", [uwm.UnbiasedWeightMax(), uwm.WeightMax(), uwm.Reinforce()])
def test_the_mean_update_from_a_log_is_that_of_full_information(
    rule: uwm.Rule, with_model: bool
) -> None:
    net = policy()
    x, pays = X[:1], REWARDS[:1]
    propensity = np.array([0.5, 0.2, 0.3])
    model = RANDOM.normal(size=(1, 3)) if with_model else None

    def mean(task: Any) -> Any:
        return analysis.expected_update(net, rule, *analysis.inputs_and_reward(task))

    full = mean(Bandit(x, pays))
    for ell in range(2):
        from_log = sum(
            p * mean(LoggedBandit(x, [b], [pays[0, b]], [p], n_actions=3, model=model))[ell].weight
            for b, p in enumerate(propensity)
        )
        np.testing.assert_allclose(from_log, full[ell].weight, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("with_model", [False, True])
def test_the_mean_estimate_of_a_policy_is_its_value(with_model: bool) -> None:
    target = np.array([[0.1, 0.7, 0.2]])
    propensity, pays = np.array([0.5, 0.2, 0.3]), REWARDS[:1]
    model = RANDOM.normal(size=(1, 3)) if with_model else None
    estimate = sum(
        p
        * LoggedBandit(X[:1], [b], [pays[0, b]], [p], n_actions=3, model=model).value(target).value
        for b, p in enumerate(propensity)
    )
    assert estimate == pytest.approx(float((target * pays).sum()))


def test_values_of_many_rows() -> None:
    n = 4000
    x = RANDOM.normal(size=(n, 4))
    pays = 1.0 + x[:, :3]
    share = np.array([0.2, 0.3, 0.5])
    actions = RANDOM.choice(3, size=n, p=share)
    row = np.arange(n)
    log = LoggedBandit(x, actions, pays[row, actions], share[actions])
    net = policy()
    probabilities = net.predict_proba(x)
    truth = float((probabilities * pays).sum(axis=1).mean())
    found = log.value(net)
    assert abs(found.value - truth) < 4 * found.error
    assert abs(found.self_normalized - truth) < 4 * found.error
    assert 0 < found.effective_rows < n
    helped = LoggedBandit(x, actions, pays[row, actions], share[actions], model=pays).value(net)
    assert helped.value == pytest.approx(truth) and helped.error < found.error
    # the policy that was logged is worth what it got, and every row counts
    same = log.value(np.tile(share, (n, 1)))
    assert same.self_normalized == pytest.approx(log.logged_rewards.mean())
    assert same.effective_rows == pytest.approx(n)


def test_a_team_learns_from_a_log() -> None:
    n = 2000
    x = RANDOM.choice([-1.0, 1.0], size=(n, 4))
    best = (x[:, 0] > 0) ^ (x[:, 1] > 0)
    actions = (RANDOM.random(n) < 0.8).astype(int)
    rewards = np.where(actions == best, 1.0, 0.0)
    log = LoggedBandit(x, actions, rewards, np.where(actions == 1, 0.8, 0.2))
    net = uwm.Network([4, 16, 2], output="softmax", seed=0)
    uwm.train(net, uwm.UnbiasedWeightMax(), uwm.Adam(), log, steps=1500, batch_size=16)
    assert (net.predict(x) == best).mean() > 0.95


WRONG: list[tuple[Any, str]] = [
    (lambda: Bandit(X, REWARDS[:9]), "rewards must have shape"),
    (lambda: Bandit(X, REWARDS[:, :1]), "2 actions or more"),
    (lambda: Bandit(X, REWARDS * np.nan), "rewards must be finite"),
    (lambda: Bandit(X, REWARDS, n_classes=4), "number of columns of rewards, 3, got 4"),
    (lambda: Bandit(X, REWARDS[None]), "labels must have shape"),
    (lambda: LoggedBandit(X, [0], [1.0], [1.0]), "actions must have shape"),
    (lambda: LoggedBandit(X[:1], [0.5], [1.0], [1.0]), "actions must be whole numbers"),
    (lambda: LoggedBandit(X[:1], [-1], [1.0], [1.0]), "actions must be whole numbers"),
    (lambda: LoggedBandit(X[:1], [0], [np.nan], [1.0]), "rewards must be finite"),
    (lambda: LoggedBandit(X[:1], [0], [1.0], [0.0]), "propensities must be above 0"),
    (lambda: LoggedBandit(X[:1], [0], [1.0], [1.1]), "propensities must be above 0"),
    (lambda: LoggedBandit(X[:1], [0], [1e300], [1e-300]), "must be finite, but overflow"),
    (lambda: LoggedBandit(X[:1], [3], [1.0], [1.0], n_actions=3), "n_actions must be at least 4"),
    (lambda: LoggedBandit(X[:1], [1], [1.0], [1.0], model=[[1.0]]), "model must have shape"),
    (lambda: LoggedBandit(X[:1], [1], [1.0], [1.0]).value([[0.5, 0.6]]), "probabilities"),
    (lambda: LoggedBandit(X[:1], [1], [1.0], [1.0]).value(policy()), "2 softmax output units"),
]


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
