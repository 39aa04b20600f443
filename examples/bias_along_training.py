"""Watch the bias of Weight Maximization while a network learns with it.

The exact gradient and the exact mean of an update are sums over all activities of the hidden units.
Weight Maximization follows the gradient to first order in the weights, so its bias grows with them;
the unbiased rule has none at any time.
"""

import numpy as np

import uwm
from uwm.analysis import exact_gradient, expected_update

task = uwm.tasks.Multiplexer(address_bits=1)
net = uwm.Network([3, 5, 4, 1], dtype="float64", seed=3)
weight_max, unbiased, adam = uwm.WeightMax(), uwm.UnbiasedWeightMax("posterior"), uwm.Adam(0.02)

x = np.array([[-1.0, 1.0, -1.0]])  # address 0, whose data bit is 1


def reward(output):
    """Reward +1 if the output unit gives that data bit, else -1; output is (batch, 1)."""
    return 2 * output[:, 0] - 1


def first_layer_bias(rule):
    """Return |mean update - gradient| / |gradient| of the first hidden layer's weights."""
    gradient = exact_gradient(net, x, reward)[0].weight
    update = expected_update(net, rule, x, reward)[0].weight
    return np.linalg.norm(update - gradient) / np.linalg.norm(gradient)


print(
    "  steps   reward   largest weight   bias of weight_max   bias of unbiased_weight_max_posterior"
)
for block in range(6):
    log = uwm.train(net, weight_max, adam, task, steps=200, batch_size=16)
    largest = max(abs(layer.weight).max() for layer in net.layers)
    print(
        f"{200 * (block + 1):7d}   {log.final_reward:6.2f}   {largest:14.2f}"
        f"   {first_layer_bias(weight_max):18.3f}   {first_layer_bias(unbiased):27.1e}"
    )
