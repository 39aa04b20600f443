"""Learn to choose from a pandas table: the reward says only whether the choice was right.

The learner never sees the right label. It draws a class for each row and hears +1 or -1.
"""

import pandas as pd
from sklearn.datasets import load_wine

import uwm

table: pd.DataFrame = load_wine(as_frame=True).frame
inputs = table.drop(columns="target")
inputs = (inputs - inputs.mean()) / inputs.std()

task = uwm.tasks.Bandit(inputs, table["target"])
net = uwm.Network([task.n_inputs, 32, task.n_outputs], output="softmax", seed=0)
log = uwm.train(
    net,
    uwm.UnbiasedWeightMax(),
    uwm.Adam(),
    task,
    steps=3000,
    batch_size=16,
    baseline=uwm.RunningMean(),
)

chosen = net.forward(inputs).actions
print(f"reward per choice: {log.rewards[0]:+.2f} at first, {log.final_reward:+.2f} at the end")
print(f"right on {(chosen == table['target']).mean():.1%} of the table's rows")
