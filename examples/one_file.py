"""A network of stochastic units and two-sided Unbiased Weight Maximization, in plain NumPy.

Nothing here comes from the library: this file is the whole idea. Every unit fires at random with
probability p = sigmoid(z) and does REINFORCE with a reward of its own, T:

    change of its weights = T (h - p) input          h = 1 if it fired, else 0

The output unit's T is the reward R itself. A hidden unit's T says how much better the action that
it took did than the other one would have done. With, for unit j of the layer above,

    kappa_j = how much likelier j's action would have been had this unit done the other thing

the two-sided rule pays the unit, q being the probability of the action that it took,

    T = q A,    A = sum over j of  (product of kappa_k over the units k before j) (1 - kappa_j) T_j

and this makes the update an unbiased estimate of the gradient of the mean reward. No derivative is
passed down: a unit needs its own weights, its own action, and what the units above it hand down.
"""

from itertools import pairwise

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def new_network(sizes, rng):
    """One (weight, bias) per layer; weight (n_out, n_in)."""
    return [
        (rng.uniform(-1, 1, (n_out, n_in)) * np.sqrt(6 / (n_in + n_out)), np.zeros(n_out))
        for n_in, n_out in pairwise(sizes)
    ]


def forward(network, x, rng):
    """Draw every unit's action: inputs and activations h, layer by layer, for x (batch, n_in)."""
    h = [x]
    for weight, bias in network:
        p = sigmoid(h[-1] @ weight.T + bias)
        h.append((rng.random(p.shape) < p).astype(float))
    return h


def action_probability(z, h):
    """q: the probability of the action h that was taken."""
    return sigmoid(np.where(h == 1, z, -z))


def unit_rewards(network, h, reward):
    """T of every layer, first hidden layer to output, each (batch, units)."""
    T = [np.repeat(reward[:, None], h[-1].shape[1], axis=1)]
    for layer in reversed(range(1, len(network))):  # from the layer above down to layer `layer`
        weight, bias = network[layer]
        z = h[layer] @ weight.T + bias  # of the units j above
        c = 2 * h[layer] - 1  # the sign of the action taken by each unit i below
        A = np.zeros_like(h[layer])
        product = np.ones_like(h[layer])
        for j in range(weight.shape[0]):
            q = action_probability(z[:, [j]], h[layer + 1][:, [j]])
            flipped = action_probability(z[:, [j]] - c * weight[j], h[layer + 1][:, [j]])
            kappa = flipped / q
            A += product * (1 - kappa) * T[0][:, [j]]
            product *= kappa
        below_weight, below_bias = network[layer - 1]
        own_z = h[layer - 1] @ below_weight.T + below_bias
        T.insert(0, action_probability(own_z, h[layer]) * A)
    return T


def learn(network, h, T, rate):
    """Move every unit's weights by rate * T (h - p) input, the mean over the batch."""
    for layer, (weight, bias) in enumerate(network):
        p = sigmoid(h[layer] @ weight.T + bias)
        delta = T[layer] * (h[layer + 1] - p) / len(p)
        weight += rate * delta.T @ h[layer]
        bias += rate * delta.sum(axis=0)


def multiplexer(address_bits, batch, rng):
    """Random bits as -1/+1, address first; the answer is the data bit that the address names."""
    bits = rng.integers(0, 2, (batch, address_bits + 2**address_bits))
    address = bits[:, :address_bits] @ (2 ** np.arange(address_bits)[::-1])
    return 2.0 * bits - 1, bits[np.arange(batch), address_bits + address]


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    network = new_network([6, 32, 1], rng)
    for step in range(1, 10_001):
        x, answer = multiplexer(2, 32, rng)
        h = forward(network, x, rng)
        reward = np.where(h[-1][:, 0] == answer, 1.0, -1.0)
        learn(network, h, unit_rewards(network, h, reward), rate=0.5)
        if step % 1000 == 0:
            print(f"step {step:6d}   mean reward of the batch {reward.mean():+.3f}")
