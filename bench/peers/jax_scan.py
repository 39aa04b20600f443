"""JAX: the training loop as one jitted lax.scan over steps, parameters and moments donated.

The unbiased rules compare layers by a lax.scan over the units j, one or several per iteration, or
in one array (batch, j, i): the trainer times them all at its start and keeps the fastest. XLA
shares the work of the one device among threads. (A device per core with the batch sharded among
them was tried: the mean of the gradients soon waits for ever, and XLA 0.10.2 ends the process.)
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .problem import BETA1, BETA2, EPSILON, Answer, Moment, Problem, disagreement, initial

Arrays = list[Any]
wait: Callable[[Any], Any] = jax.block_until_ready

UNROLL = (1, 32)  # units j per iteration that are tried; 0 stands for one array (batch, j, i)
DENSE_AT_MOST = 1 << 20  # elements of (batch, j, i) above which that is not tried


def flips_dense(
    w: Any, odds: Any, fired_j: Any, fired_i: Any, above: Arrays, posterior: bool
) -> Arrays:
    """A, B, lambda of layer l in one array (batch, j, i)."""
    T, above_A, above_B, above_ratio = above
    E = jnp.exp(w)
    a = odds[:, :, None]
    x = a * jnp.where(fired_j[:, :, None] == fired_i[:, None, :], E, 1.0 / E)
    u = 1.0 / (1.0 + x)
    kappa = (1.0 + a) * u
    first = jnp.cumprod(kappa, axis=1)  # product over k <= j
    # sum of (product over k < j) (1 - kappa_j) T_j, summed by parts
    A = T[:, :1] - first[:, -1] * T[:, -1:]
    A = A + jnp.einsum("bj,bji->bi", T[:, 1:] - T[:, :-1], first[:, :-1])
    if not posterior:
        return [A, A, A]
    other = (above_A[:, :, None] - above_B[:, :, None] * x) * u
    other = other / (1.0 + above_ratio[:, :, None] * x)
    last = jnp.cumprod(kappa[:, ::-1], axis=1)[:, ::-1]  # product over k >= j
    B = (last[:, -1] - 1.0) * other[:, -1]
    B = B + ((last[:, :-1] - last[:, 1:]) * other[:, :-1]).sum(axis=1)
    return [A, B, first[:, -1]]


def flips_in_turn(
    w: Any, odds: Any, fired_j: Any, fired_i: Any, above: Arrays, posterior: bool, unroll: int
) -> Arrays:
    """The same with accumulators (batch, i), j from last to first."""
    E = jnp.exp(w)
    zeros = jnp.zeros(fired_i.shape, w.dtype)

    def body(sums: Any, of_j: Any) -> tuple[Any, None]:
        E_j, inverse_E_j, a, fired, T, above_A, above_B, above_ratio = of_j
        a, fired, T = a[:, None], fired[:, None], T[:, None]
        x = a * jnp.where(fired == fired_i, E_j, inverse_E_j)
        if not posterior:
            (A,) = sums
            return (A + (x - a) / (1.0 + x) * (T - A),), None
        A, B, ratio = sums
        y = 1.0 + above_ratio[:, None] * x
        both = 1.0 / ((1.0 + x) * y)
        u = both * y
        d = (x - a) * u
        B = B - ratio * d * ((above_A[:, None] - above_B[:, None] * x) * both)
        return (A + d * (T - A), B, ratio * ((1.0 + a) * u)), None

    start = (zeros, zeros, zeros + 1.0) if posterior else (zeros,)
    along_j = (E, 1.0 / E, odds.T, fired_j.T, *(t.T for t in above))
    sums, _ = lax.scan(body, start, along_j, reverse=True, unroll=min(unroll, len(w)))
    return list(sums) if posterior else [sums[0]] * 3


def unit_rewards(
    rule: str, weights: Arrays, h: Arrays, p: Arrays, reward: Any, unroll: int
) -> Arrays:
    """One reward per unit, (batch, n_l) for every layer."""
    R = reward[:, None]
    if rule == "reinforce":
        return [jnp.broadcast_to(R, a.shape) for a in h]
    T = [jnp.broadcast_to(R, h[-1].shape)]
    above = [T[0], T[0], -T[0], jnp.zeros_like(p[-1])]
    posterior = rule == "unbiased_weight_max_posterior"
    for ell in range(len(h) - 2, -1, -1):
        w, e = weights[ell + 1], h[ell + 1] - p[ell + 1]
        if rule == "ste":
            below = (p[ell] - (1.0 - h[ell])) * ((T[0] * e) @ w)
        elif rule == "weight_max":
            below = h[ell] * ((T[0] * e) @ w)
        else:
            not_q_j, not_q = jnp.abs(e), jnp.abs(h[ell] - p[ell])
            q = 1.0 - not_q
            odds, fired_j, fired_i = not_q_j / (1.0 - not_q_j), h[ell + 1] > 0, h[ell] > 0
            if unroll == 0:
                A, B, ratio = flips_dense(w, odds, fired_j, fired_i, above, posterior)
            else:
                A, B, ratio = flips_in_turn(w, odds, fired_j, fired_i, above, posterior, unroll)
            below = q * (q * A - not_q * B) / (q + not_q * ratio) if posterior else q * A
            above = [below, A, B, ratio]
        T.insert(0, below)
    return T


def gradient(x: Any, h: Arrays, p: Arrays, T: Arrays) -> Arrays:
    """Batch means of T (h - p) times the input, then of T (h - p)."""
    update = [t * (a - q) / len(x) for t, a, q in zip(T, h, p, strict=True)]
    below = [x, *h[:-1]]
    return [
        *(d.T @ b for d, b in zip(update, below, strict=True)),
        *(d.sum(axis=0) for d in update),
    ]


def step(problem: Problem, unroll: int, carry: Any) -> Any:
    """The circle once."""
    parameters, m, v, t, key = carry
    n, bits = len(parameters) // 2, problem.address_bits
    weights, biases = parameters[:n], parameters[n:]
    key, drawn = jax.random.split(key)
    keys = jax.random.split(drawn, n + 1)
    coins = jax.random.bernoulli(keys[0], 0.5, (problem.batch, problem.sizes[0]))
    x = jnp.where(coins, 1.0, -1.0)
    h, p, below = [], [], x
    for w, b, k in zip(weights, biases, keys[1:], strict=True):
        p.append(jax.nn.sigmoid(below @ w.T + b))
        below = (jax.random.uniform(k, p[-1].shape) < p[-1]).astype(jnp.float32)
        h.append(below)
    place = jnp.array([2**k for k in range(bits)][::-1])
    address = (coins[:, :bits] * place).sum(axis=1)
    bit = jnp.take_along_axis(coins, bits + address[:, None], axis=1)[:, 0]
    reward = jnp.where(bit == (h[-1][:, 0] > 0), 1.0, -1.0)
    g = gradient(x, h, p, unit_rewards(problem.rule, weights, h, p, reward, unroll))
    t = t + 1
    rate = problem.learning_rate / (1.0 - BETA1**t)
    root_scale = 1.0 / jnp.sqrt(1.0 - BETA2**t)
    m = [BETA1 * a + (1.0 - BETA1) * d for a, d in zip(m, g, strict=True)]
    v = [BETA2 * a + (1.0 - BETA2) * d * d for a, d in zip(v, g, strict=True)]
    parameters = [
        w + rate * a / (root_scale * jnp.sqrt(b) + EPSILON)
        for w, a, b in zip(parameters, m, v, strict=True)
    ]
    return parameters, m, v, t, key


class Trainer:
    """Goes on with one network from call to call."""

    def __init__(self, problem: Problem) -> None:
        weights, biases = initial(problem.sizes, 0)
        parameters = [jnp.asarray(a) for a in [*weights, *biases]]
        zeros = [jnp.zeros_like(w) for w in parameters]
        key = jax.random.key(0, impl=os.environ.get("UWM_BENCH_JAX_RNG", "threefry2x32"))
        self.carry: Any = (parameters, zeros, [z + 0.0 for z in zeros], jnp.float32(0), key)
        work = problem.synapses * problem.batch
        self.chunk = max(1, min(1000, (1 << 22) // work))
        ways: tuple[int, ...] = UNROLL
        if problem.batch * max(problem.hidden) ** 2 <= DENSE_AT_MOST:
            ways = (*UNROLL, 0)
        if not problem.rule.startswith("unbiased"):
            ways = (1,)
        best = float("inf")
        for way in ways:
            compiled = self.compile(problem, way)
            seconds = self.seconds(compiled)
            if seconds < best:
                best, self.steps = seconds, compiled
                self.way = f"unroll={way}" if way else "one array"

    def compile(self, problem: Problem, way: int) -> Callable[[Any], Any]:
        def steps(carry: Any) -> Any:
            def body(c: Any, _: None) -> tuple[Any, None]:
                return step(problem, way, c), None

            return lax.scan(body, carry, None, length=self.chunk)[0]

        compiled: Callable[[Any], Any] = jax.jit(steps, donate_argnums=0)
        return compiled

    def seconds(self, steps: Callable[[Any], Any]) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            self.carry = wait(steps(self.carry))
            best = min(best, time.perf_counter() - start)
        return best

    def run(self, steps: int) -> None:
        for _ in range(steps // self.chunk):
            self.carry = self.steps(self.carry)
        wait(self.carry)


def trainer(problem: Problem, threads: int) -> Trainer:
    return Trainer(problem)


def check(problem: Problem, moment: Moment) -> Answer:
    answers: list[Answer] = []
    for way in (0, 1):
        if way == 0 and problem.batch * max(problem.hidden) ** 2 > DENSE_AT_MOST:
            continue

        @jax.jit
        def answer(
            weights: Arrays, biases: Arrays, x: Any, h: Arrays, reward: Any, way: int = way
        ) -> tuple[Arrays, Arrays]:
            p, below = [], x
            for w, b, action in zip(weights, biases, h, strict=True):
                p.append(jax.nn.sigmoid(below @ w.T + b))
                below = action
            T = unit_rewards(problem.rule, weights, h, p, reward, way)
            return T, gradient(x, h, p, T)

        T, g = answer(
            moment.weights, moment.biases, moment.inputs, moment.activations, moment.reward
        )
        n, arrays = len(moment.weights), [np.asarray(a) for a in g]
        answers.append(Answer([np.asarray(t) for t in T], arrays[:n], arrays[n:]))
    # Both ways must be right: if they differ, the first is judged, else either.
    return answers[0] if disagreement(answers[0], answers[-1]) > 1e-5 else answers[-1]


def versions() -> dict[str, str]:
    return {"jax": jax.__version__}
