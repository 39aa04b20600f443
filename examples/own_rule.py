"""Write a learning rule and measure its bias exactly.

The rule is feedback alignment: credit flows down through fixed random signs in place of the
weights, so that no unit needs to know the weights of others. Enumeration of every activity of a
small network gives the exact gradient and the exact mean of the rule's update.
"""

from itertools import pairwise

import numpy as np

import uwm
from uwm.analysis import relative_bias


class FeedbackAlignment(uwm.Rule):
    """Pay a hidden unit c q times the credit of the layer above, sent back through random signs."""

    name = "feedback_alignment"

    def __init__(self, sizes, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.feedback = [
            rng.choice([-1.0, 1.0], (n_out, n_in)) for n_in, n_out in pairwise(sizes[1:])
        ]

    def unit_rewards(self, net, sample, reward):
        T = [np.repeat(reward[:, None], net.sizes[-1], axis=1)]
        for layer in reversed(range(len(net.layers) - 1)):
            delta = T[0] * sample.eligibilities[layer + 1]  # T_j (h_j - p_j)
            p, e = sample.probabilities[layer], sample.eligibilities[layer]
            fired = e > 0
            c, q = np.where(fired, 1, -1), np.where(fired, p, 1 - p)
            T.insert(0, c * q * (delta @ self.feedback[layer]))
        return T


sizes = [3, 4, 4, 1]
net = uwm.Network(sizes, dtype="float64", seed=1)
x = np.array([[1.0, -1.0, 1.0]])


def reward(output):
    """Reward +1 if the output unit fired, else -1; output is (batch, 1)."""
    return 2 * output[:, 0] - 1


print("relative bias of the update of each layer, first hidden layer to output")
for rule in (FeedbackAlignment(sizes), uwm.StraightThrough(), uwm.UnbiasedWeightMax()):
    print(f"  {rule.name:24s}", relative_bias(net, rule, x, reward))

task = uwm.tasks.Multiplexer(address_bits=2)
learner = uwm.Network([6, 32, 16, 1], seed=0)
rule = FeedbackAlignment(learner.sizes)
log = uwm.train(learner, rule, uwm.Adam(0.01), task, steps=1500, batch_size=16)
print(f"reward while learning: {log.rewards[0]:.2f} at first, {log.final_reward:.2f} at the end")
