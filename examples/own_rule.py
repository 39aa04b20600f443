"""Write a learning rule and measure its bias exactly.

The rule is direct feedback alignment (Nøkland, 2016): the credit of the output layer goes to every
hidden layer at once through fixed random signs, so that no unit needs to know the weights of others
or to wait for the layers above. Enumeration of every activity of a
small network gives the exact gradient and the exact mean of the rule's update.
"""

import numpy as np

import uwm
from uwm.analysis import relative_bias


class DirectFeedback(uwm.Rule):
    """Pay a hidden unit c q times the output's credit, sent down through random signs."""

    name = "direct_feedback"

    def __init__(self, sizes, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.feedback = [rng.choice([-1.0, 1.0], (sizes[-1], n)) for n in sizes[1:-1]]

    def unit_rewards(self, net, sample, reward):
        output = np.repeat(reward[:, None], net.sizes[-1], axis=1)
        delta = output * sample.eligibilities[-1]  # T_j (h_j - p_j) of the output layer
        T = []
        for layer, feedback in enumerate(self.feedback):
            p, e = sample.probabilities[layer], sample.eligibilities[layer]
            fired = e > 0
            c, q = np.where(fired, 1, -1), np.where(fired, p, 1 - p)
            T.append(c * q * (delta @ feedback))
        return [*T, output]


sizes = [3, 4, 4, 1]
net = uwm.Network(sizes, dtype="float64", seed=1)
x = np.array([[1.0, -1.0, 1.0]])


def reward(output):
    """Reward +1 if the output unit fired, else -1; output is (batch, 1)."""
    return 2 * output[:, 0] - 1


print("relative bias of the update of each layer, first hidden layer to output")
for rule in (DirectFeedback(sizes), uwm.StraightThrough(), uwm.UnbiasedWeightMax()):
    print(f"  {rule.name:24s}", relative_bias(net, rule, x, reward))

task = uwm.tasks.Multiplexer(address_bits=2)
learner = uwm.Network([6, 32, 16, 1], seed=0)
rule = DirectFeedback(learner.sizes)
log = uwm.train(learner, rule, uwm.Adam(0.01), task, steps=1500, batch_size=16)
print(f"reward while learning: {log.rewards[0]:.2f} at first, {log.final_reward:.2f} at the end")
