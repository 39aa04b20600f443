"""Plain vectorised NumPy in float32: the batch in every array, no loop but the unavoidable ones.

The unbiased rules compare every unit i of layer l with every unit j of layer l+1. Small layers do
it in one array (batch, j, i); large ones go through j with accumulators (batch, i), which keeps the
working set in cache and is several times faster there.
"""

from __future__ import annotations

import numpy as np

from .problem import BETA1, BETA2, EPSILON, Answer, Array, Moment, Problem, initial

DENSE_BELOW = 1 << 16  # elements of (batch, j, i) up to which one array is faster
TILE = 1 << 15  # elements of (batch, i) that stay in cache while j goes by


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) for logits that cannot overflow."""
    e = np.exp(-z)
    e += 1.0
    return np.reciprocal(e, out=e)


class Above:
    """What layer l+1 hands down: T for all rules, and A, B, lambda for the posterior-weighted."""

    def __init__(self, T: Array, A: Array, B: Array, ratio: Array) -> None:
        self.T, self.A, self.B, self.ratio = T, A, B, ratio

    def rows(self, part: slice) -> Above:
        return Above(self.T[part], self.A[part], self.B[part], self.ratio[part])


def flips_dense(
    w: Array, odds: Array, fired_j: Array, fired_i: Array, above: Above, posterior: bool
) -> tuple[Array, Array, Array]:
    """A, B, lambda of layer l in one array (batch, j, i)."""
    E = np.exp(w)
    a = odds[:, :, None]
    x = a * np.where(fired_j[:, :, None] == fired_i[:, None, :], E, 1.0 / E)
    u = np.reciprocal(1.0 + x)
    kappa = (1.0 + a) * u
    first = np.cumprod(kappa, axis=1)  # product over k <= j
    T = above.T
    # sum of (product over k < j) (1 - kappa_j) T_j, summed by parts
    A = T[:, :1] - first[:, -1] * T[:, -1:]
    if T.shape[1] > 1:
        A += np.matmul((T[:, 1:] - T[:, :-1])[:, None, :], first[:, :-1])[:, 0]
    if not posterior:
        return A, A, A
    other = (above.A[:, :, None] - above.B[:, :, None] * x) * u
    other /= 1.0 + above.ratio[:, :, None] * x
    last = np.cumprod(kappa[:, ::-1], axis=1)[:, ::-1]  # product over k >= j
    B = (last[:, -1] - 1.0) * other[:, -1]
    if T.shape[1] > 1:
        B += ((last[:, :-1] - last[:, 1:]) * other[:, :-1]).sum(axis=1)
    return A, B, first[:, -1]


def flips_in_turn(
    w: Array, odds: Array, fired_j: Array, fired_i: Array, above: Above, posterior: bool
) -> tuple[Array, Array, Array]:
    """The same with accumulators (batch, i), j from last to first."""
    E = np.exp(w)
    inverse_E = 1.0 / E
    shape = fired_i.shape
    A, B, ratio = np.zeros(shape, w.dtype), np.zeros(shape, w.dtype), np.ones(shape, w.dtype)
    x, u, d, y, both = (np.empty(shape, w.dtype) for _ in range(5))
    opposed = np.empty(shape, bool)
    for j in range(len(w) - 1, -1, -1):
        a = odds[:, j, None]
        np.not_equal(fired_i, fired_j[:, j, None], out=opposed)
        np.copyto(x, E[j])
        np.copyto(x, inverse_E[j], where=opposed)
        x *= a
        np.add(x, 1.0, out=u)
        np.subtract(x, a, out=d)
        if posterior:
            np.multiply(x, above.ratio[:, j, None], out=y)
            y += 1.0
            np.multiply(y, u, out=both)
            np.reciprocal(both, out=both)
            x *= -above.B[:, j, None]
            x += above.A[:, j, None]
            x *= both  # T_j'
            np.multiply(both, y, out=u)
        else:
            np.reciprocal(u, out=u)
        d *= u  # 1 - kappa
        np.subtract(above.T[:, j, None], A, out=y)
        y *= d
        A += y
        if posterior:
            x *= d
            x *= ratio
            B -= x
            u *= 1.0 + a
            ratio *= u
    return A, B, ratio


def flips(
    w: Array, odds: Array, fired_j: Array, fired_i: Array, above: Above, posterior: bool
) -> tuple[Array, Array, Array]:
    """Whichever way is faster, in blocks of samples."""
    batch, n = fired_i.shape
    if batch * w.size <= DENSE_BELOW:
        return flips_dense(w, odds, fired_j, fired_i, above, posterior)
    step = max(1, TILE // n)
    blocks = [slice(k, k + step) for k in range(0, batch, step)]
    parts = [
        flips_in_turn(w, odds[b], fired_j[b], fired_i[b], above.rows(b), posterior) for b in blocks
    ]
    A, B, ratio = (np.concatenate(part) for part in zip(*parts, strict=True))
    return A, B, ratio


def unit_rewards(
    rule: str, weights: list[Array], h: list[Array], p: list[Array], reward: Array
) -> list[Array]:
    """One reward per unit, (batch, n_l) for every layer."""
    R = reward[:, None]
    if rule == "reinforce":
        return [np.broadcast_to(R, a.shape) for a in h]
    T = [np.broadcast_to(R, h[-1].shape)]
    above = Above(T[0], T[0], -T[0], np.zeros_like(p[-1]))
    posterior = rule == "unbiased_weight_max_posterior"
    for ell in range(len(h) - 2, -1, -1):
        w, fired = weights[ell + 1], h[ell] > 0
        if rule == "ste":
            slope = np.where(fired, p[ell], p[ell] - 1.0)
            below = slope * ((T[0] * (h[ell + 1] - p[ell + 1])) @ w)
        elif rule == "weight_max":
            below = h[ell] * ((T[0] * (h[ell + 1] - p[ell + 1])) @ w)
        else:
            not_q_j = np.abs(h[ell + 1] - p[ell + 1])
            odds = not_q_j / (1.0 - not_q_j)
            A, B, ratio = flips(w, odds, h[ell + 1] > 0, fired, above, posterior)
            not_q = np.abs(h[ell] - p[ell])
            q = 1.0 - not_q
            below = q * (q * A - not_q * B) / (q + not_q * ratio) if posterior else q * A
            above = Above(below, A, B, ratio)
        T.insert(0, below)
    return T


def gradient(
    x: Array, h: list[Array], p: list[Array], T: list[Array]
) -> tuple[list[Array], list[Array]]:
    """Batch means of T (h - p) times the input, and of T (h - p)."""
    batch = np.float32(len(x))
    update = [t * (a - q) / batch for t, a, q in zip(T, h, p, strict=True)]
    below = [x, *h[:-1]]
    return (
        [d.T @ b for d, b in zip(update, below, strict=True)],
        [d.sum(axis=0) for d in update],
    )


class Trainer:
    """The circle, with Adam in place on the parameters."""

    chunk = 1

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.weights, self.biases = initial(problem.sizes, 0)
        self.parameters = [*self.weights, *self.biases]
        self.m = [np.zeros_like(w) for w in self.parameters]
        self.v = [np.zeros_like(w) for w in self.parameters]
        self.rng = np.random.default_rng(0)
        self.place = 2 ** np.arange(problem.address_bits)[::-1]
        self.row = np.arange(problem.batch)
        self.t = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        problem, bits = self.problem, self.problem.address_bits
        coins = self.rng.integers(0, 2, (problem.batch, problem.sizes[0]), dtype=np.int8)
        x = coins.astype(np.float32)
        x *= 2.0
        x -= 1.0
        h, p, below = [], [], x
        for w, b in zip(self.weights, self.biases, strict=True):
            p.append(sigmoid(below @ w.T + b))
            below = (self.rng.random(p[-1].shape, dtype=np.float32) < p[-1]).astype(np.float32)
            h.append(below)
        right = coins[self.row, bits + coins[:, :bits] @ self.place] == h[-1][:, 0]
        reward = np.where(right, np.float32(1.0), np.float32(-1.0))
        T = unit_rewards(problem.rule, self.weights, h, p, reward)
        d_weights, d_biases = gradient(x, h, p, T)
        self.adam([*d_weights, *d_biases])

    def adam(self, gradients: list[Array]) -> None:
        self.t += 1
        rate = self.problem.learning_rate / (1.0 - BETA1**self.t)
        root_scale = 1.0 / np.sqrt(1.0 - BETA2**self.t)
        for w, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
            m *= BETA1
            m += (1.0 - BETA1) * g
            v *= BETA2
            v += (1.0 - BETA2) * (g * g)
            w += rate * m / (root_scale * np.sqrt(v) + EPSILON)


def trainer(problem: Problem, threads: int) -> Trainer:
    return Trainer(problem)


def check(problem: Problem, moment: Moment) -> Answer:
    p, below, h = [], moment.inputs, moment.activations
    for w, b, action in zip(moment.weights, moment.biases, h, strict=True):
        p.append(sigmoid(below @ w.T + b))
        below = action
    T = unit_rewards(problem.rule, moment.weights, h, p, moment.reward)
    return Answer(T, *gradient(moment.inputs, h, p, T))


def versions() -> dict[str, str]:
    return {"numpy": np.__version__}
