# %% [markdown]
"""
A rule of your own against the exact gradient
=============================================

A rule returns one reward per unit. Here is one in six lines. On a small network its mean update is
computed exactly, by enumerating every activity, and compared with the gradient of the expected
reward.
"""

# %% [markdown]
# The rule pays a hidden unit by the signs of its outgoing weights. ``T`` has one array of
# (batch, units) per layer, first hidden layer to output; ``eligibilities`` are h - p, action minus
# probability.

# %%
import numpy as np

import uwm


class SignFeedback(uwm.Rule):
    """Pay a hidden unit by the signs of its outgoing weights."""

    name = "sign_feedback"

    def unit_rewards(self, net, sample, reward):
        T = [np.outer(reward, np.ones(net.sizes[-1]))]
        for below in reversed(range(len(net.layers) - 1)):
            delta = T[0] * sample.eligibilities[below + 1]
            T.insert(0, sample.activations[below] * (delta @ np.sign(net.layers[below + 1].weight)))
        return T


# %% [markdown]
# The relative bias is the distance between the mean update and the gradient, over the gradient's
# length. The noise-to-signal is the standard deviation of the update from one sample, over the same
# length. Both are exact: nothing is sampled.

# %%
from uwm.analysis import rule_statistics

net = uwm.Network([3, 4, 4, 1], dtype="float64", seed=1, initial_gain=2)
x = np.array([1.0, -1.0, 1.0])


def reward(output):
    """Return the reward of each output: 1 if the output unit fired."""
    return output[:, 0]


rules = [SignFeedback(), uwm.StraightThrough(), uwm.Reinforce(), uwm.UnbiasedWeightMax()]
print("first hidden layer       bias  noise")
for rule in rules:
    found = rule_statistics(net, rule, x, reward)
    print(f"{rule.name:22} {found.relative_bias[0]:6.2f} {found.noise_to_signal[0]:6.1f}")

# %% [markdown]
# The same for every rule of the library, as a picture: a good rule is far left and far down.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for rule in [*map(uwm.rule, uwm.RULES), SignFeedback()]:
    found = rule_statistics(net, rule, x, reward)
    point = (found.relative_bias[0], found.noise_to_signal[0])
    axes.plot(*point, "o", label=rule.name)
axes.set(xlabel="relative bias", ylabel="noise-to-signal", yscale="log")
axes.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# A biased rule may learn all the same: training takes it like a built-in one.

# %%
task = uwm.tasks.Multiplexer(address_bits=2)
for rule in (SignFeedback(), uwm.UnbiasedWeightMax()):
    net = uwm.Network([task.n_inputs, 32, 1], seed=0)
    log = uwm.train(net, rule, uwm.Adam(), task, steps=1500, batch_size=16)
    print(f"{rule.name:22} last tenth {log.final_reward:.3f}")
