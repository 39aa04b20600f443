"""Train a team of stochastic units on the multiplexer, save it, and let it go on."""

import tempfile
from pathlib import Path

import uwm

net = uwm.Network([6, 32, 16, 1], seed=0)  # 6 inputs, two hidden layers, one Bernoulli output unit
rule = uwm.UnbiasedWeightMax()
adam = uwm.Adam()
task = uwm.tasks.Multiplexer(address_bits=2)

log = uwm.train(net, rule, adam, task, steps=10_000, batch_size=16)
print(f"mean reward {log.mean_reward:.3f}, over the last tenth {log.final_reward:.3f}")

# Act with what was learned: one action for each row of inputs.
x = task.inputs(seed=1, step=0, batch_size=1000)
sample = net.forward(x)
print(f"reward on new inputs {task.reward(seed=1, step=0, sample=sample).mean():.3f}")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "net.safetensors"
    uwm.save(path, net, adam)
    net, adam = uwm.load(path)
log = uwm.train(net, rule, adam, task, steps=5_000, batch_size=16)
print(f"after 5,000 further steps {log.final_reward:.3f}")
