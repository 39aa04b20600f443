"""The same agent by backpropagation: what units that fire at random cost on MinAtar's games.

    python docs/rl/backprop.py Breakout --frames 300000

All is as in uwm.rl.Agent's one setting (docs/rl.md), but for the actor's hidden layers. They are
those of the critic, layer-normalised leaky rectifiers, and learn by backpropagation. About 0.3 ms a
frame. Needs the package minatar.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Any

import numpy as np
from minatar import Environment

Array = np.ndarray[Any, np.dtype[Any]]
GAMMA, LAMBDA = 0.99, 0.9
GAMES = ("Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders")
HIDDEN = (64, 32)
BETA = (0.9, 0.99)


class Layers:
    """A network of layer-normalised leaky rectifiers with a linear output, zero at first."""

    def __init__(self, sizes: tuple[int, ...], rng: np.random.Generator) -> None:
        shapes = [(n, m) for m, n in pairwise(sizes)]
        count = sum(n * m + n for n, m in shapes)
        self.parameters, self.gradient, self.trace = np.zeros((3, count), np.float32)
        self.slices, self._values, self._slopes = [], [], []
        begin = 0
        for n, m in shapes:
            end = begin + n * m + n
            self.slices.append(slice(begin, end))
            for whole, parts in ((self.parameters, self._values), (self.gradient, self._slopes)):
                parts.append((whole[begin : end - n].reshape(n, m), whole[end - n : end]))
            begin = end
        for weight, _ in self._values[:-1]:
            weight[:] = rng.normal(size=weight.shape) / np.sqrt(weight.shape[1])

    def forward(self, x: Array) -> Array:
        """Return the output, and keep what backward needs."""
        self._inputs, self._normal = [x], []
        for weight, bias in self._values[:-1]:
            u = weight @ self._inputs[-1] + bias
            centred = u - u.mean()
            deviation = np.sqrt((centred * centred).mean() + 1e-5)
            y = centred / deviation
            self._normal.append((y, deviation))
            self._inputs.append(np.where(y > 0, y, 0.01 * y))
        weight, bias = self._values[-1]
        return np.asarray(weight @ self._inputs[-1] + bias)

    def add_to_trace(self, e: Array) -> None:
        """z <- gamma lambda z + gradient of e . output."""
        for k in reversed(range(len(self._values))):
            weight, bias = self._slopes[k]
            np.outer(e, self._inputs[k], out=weight)
            bias[:] = e
            if k:
                y, deviation = self._normal[k - 1]
                e = self._values[k][0].T @ e
                e = np.where(y > 0, e, 0.01 * e)
                e = (e - e.mean() - y * (e * y).mean()) / deviation
        self.trace *= np.float32(GAMMA * LAMBDA)
        self.trace += self.gradient


class Adam:
    """Adam with a rate for each parameter, from 6e-3 in the first layer to 6e-4 in the last."""

    def __init__(self, network: Layers, inputs: int) -> None:
        self.rates = np.empty_like(network.parameters)
        last = len(network.slices) - 1
        for k, part in enumerate(network.slices):
            self.rates[part] = (8 / inputs) ** (1 / 3) * 6e-3 * 0.1 ** (k / last)
        self.mean, self.square = np.zeros((2, len(self.rates)), np.float32)
        self.left = np.ones(2)  # beta to the power of the step

    def step(self, parameters: Array, gradient: Array) -> None:
        self.left *= BETA
        for moment, beta, power in ((self.mean, BETA[0], 1), (self.square, BETA[1], 2)):
            moment *= np.float32(beta)
            moment += np.float32(1 - beta) * gradient**power
        mean, square = self.mean / (1 - self.left[0]), self.square / (1 - self.left[1])
        parameters += (self.rates * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)


class Running:
    """Mean and deviation of what has come so far."""

    def __init__(self, n: int) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(n), np.zeros(n)

    def add(self, x: Array) -> None:
        self.count += 1
        before = x - self.mean
        self.mean += before / self.count
        self.squares += before * (x - self.mean)

    def deviation(self) -> Array:
        return np.sqrt(self.squares / (self.count - 1) + 1e-8) if self.count > 1 else 1 + self.mean


def learn(game: str, frames: int, seed: int) -> tuple[Array, Array]:
    """Return the return of each episode and the frame in which it ended."""
    env, rng = Environment(game), np.random.default_rng(seed)
    env.seed(seed)
    n = int(np.prod(env.state_shape()))
    actor = Layers((n, *HIDDEN, env.num_actions()), rng)
    critic = Layers((n, *HIDDEN, 1), rng)
    adam, seen, earned = Adam(actor, n), Running(n), Running(1)

    def observation() -> Array:
        x = env.state().ravel().astype(float)
        seen.add(x)
        return ((x - seen.mean) / seen.deviation()).astype(np.float32)

    episodes: list[tuple[float, int]] = []
    discounted = total = 0.0
    env.reset()
    x = observation()
    for frame in range(frames):
        logits = actor.forward(x)
        p = np.exp(logits - logits.max())
        p /= p.sum()
        action = int((rng.random() < np.cumsum(p)).argmax())
        p[action] -= 1
        actor.add_to_trace(-p)
        value = critic.forward(x)[0]
        critic.add_to_trace(np.ones(1, np.float32))
        reward, done = env.act(action)
        total += reward
        discounted = GAMMA * discounted + reward
        earned.add(np.array([discounted]))
        scale = earned.deviation()[0] if earned.squares[0] > 0 else 1.0
        if not done:
            x = observation()
        delta = reward / scale + (0.0 if done else GAMMA * critic.forward(x)[0]) - value
        # A step of at most the size that would overshoot (ObGD, kappa 1).
        bound = max(abs(delta), 1) * np.abs(critic.trace).sum()
        critic.parameters += np.float32(min(1 / bound, 1) * delta) * critic.trace
        adam.step(actor.parameters, np.float32(delta) * actor.trace)
        if done:
            episodes.append((total, frame))
            discounted = total = 0.0
            env.reset()
            x = observation()
            actor.trace[:] = critic.trace[:] = 0
    returns, ends = np.array(episodes).T
    return returns, ends


def main() -> None:
    """Let one agent learn, and print its mean return, over all and the last tenth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("game", choices=GAMES)
    parser.add_argument("--frames", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    game = options.game.lower().replace("spaceinvaders", "space_invaders")
    returns, ends = learn(game, options.frames, options.seed)
    late = returns[ends > 0.9 * options.frames]
    print(f"{options.game}: mean {returns.mean():.2f}, last tenth {late.mean():.2f}")


if __name__ == "__main__":
    main()
