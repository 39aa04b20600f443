# %% [markdown]
"""
Compare rules in ten lines
==========================

Four rules learn the multiplexer with the same network, the same optimizer and the same batches.
What differs is the reward that each unit is given.
"""

# %% [markdown]
# The task has two address bits and four data bits. The reward is +1 for the addressed data bit and
# -1 for the other answer, so that chance earns 0.

# %%
import uwm

task = uwm.tasks.Multiplexer(address_bits=2)
rules = ["reinforce", "weight_max", "ste", "unbiased_weight_max"]
logs = {}
for name in rules:
    net = uwm.Network([task.n_inputs, 32, 16, 1], seed=0)
    logs[name] = uwm.train(net, uwm.rule(name), uwm.Adam(), task, steps=4000, batch_size=16)

for name, log in logs.items():
    print(f"{name:22} mean {log.mean_reward:.3f}   last tenth {log.final_reward:.3f}")

# %% [markdown]
# A log holds the mean reward of each window of steps, a hundredth of the run if nothing else is
# asked for.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, log in logs.items():
    windows = range(1, len(log.rewards) + 1)
    axes.plot([40 * window for window in windows], log.rewards, label=name)
axes.set(xlabel="step of 16 samples", ylabel="mean reward", ylim=(-0.1, 1.05))
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# This is one seed, and one seed proves little. ``uwm compare`` runs several, in parallel, and tests
# which differences are more than luck. From Python it is a function.

# %%
from uwm.experiments import Settings, compare

settings = Settings(address_bits=1, hidden=(8,), rules=rules, episodes=3000, seeds=5)
result = compare(settings)
for run in result.runs[:5]:
    print(run.rule, run.seed, round(run.mean_reward, 3))
