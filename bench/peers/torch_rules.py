"""The rules as PyTorch tensor expressions, shared by the eager and the compiled peer.

The rules are local, so autograd stays off. As in numpy_plain.py, small layers are compared in one
tensor (batch, j, i), large ones with accumulators (batch, i) that go through j.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .problem import BETA1, BETA2, Answer, Moment, Problem, initial

DENSE_BELOW = 1 << 18  # elements of (batch, j, i) up to which one tensor is faster
TILE = 1 << 17  # elements of (batch, i) that stay in cache while j goes by

# A, B, lambda of layer l from (w, odds, fired_j, fired_i, T, A, B, lambda of layer l+1, posterior)
Flips = Callable[..., tuple[Tensor, Tensor, Tensor]]


def flips_dense(
    w: Tensor,
    odds: Tensor,
    fired_j: Tensor,
    fired_i: Tensor,
    T: Tensor,
    above: tuple[Tensor, Tensor, Tensor],
    posterior: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """A, B, lambda of layer l in one tensor (batch, j, i)."""
    E = torch.exp(w)
    a = odds.unsqueeze(2)
    x = a * torch.where(fired_j.unsqueeze(2) == fired_i.unsqueeze(1), E, 1.0 / E)
    u = torch.reciprocal(1.0 + x)
    kappa = (1.0 + a) * u
    n = len(w)
    first = torch.cumprod(kappa, 1) if n > 1 else kappa  # product over k <= j
    # sum of (product over k < j) (1 - kappa_j) T_j, summed by parts
    A = T[:, :1] - first[:, -1] * T[:, -1:]
    if n > 1:
        A = A + torch.bmm((T[:, 1:] - T[:, :-1]).unsqueeze(1), first[:, :-1]).squeeze(1)
    if not posterior:
        return A, A, A
    above_A, above_B, above_ratio = (t.unsqueeze(2) for t in above)
    other = (above_A - above_B * x) * u / (1.0 + above_ratio * x)
    last = torch.cumprod(kappa.flip(1), 1).flip(1) if n > 1 else kappa  # product over k >= j
    B = (last[:, -1] - 1.0) * other[:, -1]
    if n > 1:
        B = B + ((last[:, :-1] - last[:, 1:]) * other[:, :-1]).sum(1)
    return A, B, first[:, -1]


def flips_in_turn(
    w: Tensor,
    odds: Tensor,
    fired_j: Tensor,
    fired_i: Tensor,
    T: Tensor,
    above: tuple[Tensor, Tensor, Tensor],
    posterior: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The same with accumulators (batch, i), j from last to first, in tiles of samples."""
    E = torch.exp(w)
    inverse_E = 1.0 / E
    batch, n = fired_i.shape
    A, B, ratio = torch.zeros(batch, n), torch.zeros(batch, n), torch.ones(batch, n)
    step = max(1, TILE // n)
    for k in range(0, batch, step):
        rows = slice(k, k + step)
        tile = [A[rows], B[rows], ratio[rows]]
        fired = fired_i[rows]
        x, u, d, y = (torch.empty_like(tile[0]) for _ in range(4))
        a_of, one_plus_a_of, T_of, fired_of, *above_of = (
            t[rows].t().contiguous().unsqueeze(2).unbind(0)  # columns (batch, 1) for every j
            for t in (odds, 1.0 + odds, T, fired_j, *above)
        )
        for j in range(len(w) - 1, -1, -1):
            a = a_of[j]
            torch.where(fired == fired_of[j], E[j], inverse_E[j], out=x)
            x.mul_(a)
            torch.add(x, 1.0, out=u)
            torch.sub(x, a, out=d)
            if posterior:
                torch.mul(x, above_of[2][j], out=y).add_(1.0)
                u.mul_(y).reciprocal_()
                torch.addcmul(above_of[0][j], above_of[1][j], x, value=-1.0, out=x)
                x.mul_(u)  # T_j'
                u.mul_(y)
            else:
                u.reciprocal_()
            d.mul_(u)  # 1 - kappa
            tile[0].addcmul_(d, torch.sub(T_of[j], tile[0], out=y))
            if posterior:
                tile[1].addcmul_(x.mul_(d), tile[2], value=-1.0)
                tile[2].mul_(u.mul_(one_plus_a_of[j]))
    return A, B, ratio


def flips_eager(
    w: Tensor,
    odds: Tensor,
    fired_j: Tensor,
    fired_i: Tensor,
    T: Tensor,
    above: tuple[Tensor, Tensor, Tensor],
    posterior: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Whichever way is faster."""
    dense = len(fired_i) * w.numel() <= DENSE_BELOW or len(w) == 1
    way = flips_dense if dense else flips_in_turn
    return way(w, odds, fired_j, fired_i, T, above, posterior)


def unit_rewards(
    rule: str,
    weights: list[Tensor],
    h: list[Tensor],
    p: list[Tensor],
    reward: Tensor,
    flips: Flips = flips_eager,
) -> list[Tensor]:
    """One reward per unit, (batch, n_l) for every layer."""
    R = reward.unsqueeze(1)
    if rule == "reinforce":
        return [R.expand_as(a) for a in h]
    T = [R.expand_as(h[-1])]
    above = (T[0], -T[0], torch.zeros_like(p[-1]))
    posterior = rule == "unbiased_weight_max_posterior"
    for ell in range(len(h) - 2, -1, -1):
        w, e = weights[ell + 1], h[ell + 1] - p[ell + 1]
        if rule == "ste":
            below = (p[ell] - (1.0 - h[ell])) * ((T[0] * e) @ w)
        elif rule == "weight_max":
            below = h[ell] * ((T[0] * e) @ w)
        else:
            not_q_j, not_q = e.abs(), (h[ell] - p[ell]).abs()
            q = 1.0 - not_q
            odds = not_q_j / (1.0 - not_q_j)
            above = flips(w, odds, h[ell + 1] > 0, h[ell] > 0, T[0], above, posterior)
            A, B, ratio = above
            below = q * (q * A - not_q * B) / (q + not_q * ratio) if posterior else q * A
        T.insert(0, below)
    return T


def gradient(x: Tensor, h: list[Tensor], p: list[Tensor], T: list[Tensor]) -> list[Tensor]:
    """Batch means of T (h - p) times the input, then of T (h - p)."""
    update = [t * (a - q) / len(x) for t, a, q in zip(T, h, p, strict=True)]
    below = [x, *h[:-1]]
    return [
        *(d.t() @ b for d, b in zip(update, below, strict=True)),
        *(d.sum(0) for d in update),
    ]


def forward(
    problem: Problem, weights: list[Tensor], biases: list[Tensor]
) -> tuple[Tensor, list[Tensor], list[Tensor], Tensor]:
    """Inputs, actions and probabilities of every layer, rewards."""
    bits = problem.address_bits
    coins = torch.randint(0, 2, (problem.batch, problem.sizes[0]))
    x = coins.to(torch.float32) * 2.0 - 1.0
    h, p, below = [], [], x
    for w, b in zip(weights, biases, strict=True):
        p.append(torch.sigmoid(torch.nn.functional.linear(below, w, b)))
        below = (torch.rand(p[-1].shape) < p[-1]).to(torch.float32)
        h.append(below)
    place = torch.tensor([2**k for k in range(bits)][::-1])
    address = (coins[:, :bits] * place).sum(1, keepdim=True)
    right = coins.gather(1, bits + address).to(torch.float32) == h[-1]
    return x, h, p, torch.where(right, 1.0, -1.0)[:, 0]


def state(problem: Problem) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
    """Weights, biases, and the two moments of both."""
    weights, biases = ([torch.from_numpy(a) for a in part] for part in initial(problem.sizes, 0))
    zeros = [torch.zeros_like(w) for w in [*weights, *biases]]
    return weights, biases, zeros, [z.clone() for z in zeros]


def answer(problem: Problem, moment: Moment, flips: Flips) -> Answer:
    """The rule's results for given actions."""
    given: Any = [moment.weights, moment.biases, moment.activations]
    weights, biases, h = ([torch.from_numpy(a) for a in part] for part in given)
    x = torch.from_numpy(moment.inputs)
    p, below = [], x
    with torch.inference_mode():
        for w, b, action in zip(weights, biases, h, strict=True):
            p.append(torch.sigmoid(torch.nn.functional.linear(below, w, b)))
            below = action
        T = unit_rewards(problem.rule, weights, h, p, torch.from_numpy(moment.reward), flips)
        g = [d.numpy() for d in gradient(x, h, p, T)]
    n = len(weights)
    return Answer([t.numpy() for t in T], g[:n], g[n:])


def adam_constants(rate: float, t: int) -> tuple[float, float]:
    """Rate and scale of the root with Adam's bias corrections folded in."""
    return float(rate / (1.0 - BETA1**t)), float((1.0 - BETA2**t) ** -0.5)
