"""A convolution in PyTorch learns below a team of 200 stochastic units, from rewards alone.

The team sees handwritten digits through the convolution, draws a class for each, and hears +1 or -1
and never the right label. Its units learn by their rule; the rule's gradient with respect to their
inputs goes on into the convolution. PyTorch's Adam trains both, the units by uwm's automatic rates.

It needs `pip install 'uwm[torch,tasks]'`. `python torch_digits.py 0 1 2` runs three seeds.
"""

import sys

import torch
from torch import nn

import uwm
import uwm.torch

torch.set_num_threads(1)  # these tensors are too small for two
STEPS, BATCH = 2000, 32
digits = uwm.tasks.digits()


def images(inputs):
    return torch.tensor(inputs, dtype=torch.float32).reshape(-1, 1, 8, 8)


def run(seed, rule="unbiased_weight_max"):
    """Train on the images that are not held out, and print what came of it."""
    torch.manual_seed(seed)
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(256)
    )
    net = uwm.Network([256, 200, 10], output="softmax", seed=seed)
    units = uwm.torch.UnitNetwork(net, rule)
    adam = torch.optim.Adam(
        [
            {"params": encoder.parameters(), "lr": 0.003},
            *({"params": layer.parameters(), "lr": 1.0} for layer in units.layers),
        ]
    )
    # A schedule of uwm is a function of the number of updates, as LambdaLR wants it.
    rates = torch.optim.lr_scheduler.LambdaLR(adam, [lambda t: 1.0, *uwm.automatic_rates(net)])

    x, label = images(digits.train_inputs), torch.tensor(digits.train_labels)
    rewards, mean = [], 0.0
    for _ in range(STEPS):
        k = torch.randint(len(x), (BATCH,))
        sample = units(encoder(x[k]))
        reward = torch.where(sample.actions == label[k], 1.0, -1.0)
        adam.zero_grad()
        units.surrogate(sample, reward - mean).backward()
        adam.step()
        rates.step()
        rewards.append(reward.mean().item())
        mean += 0.05 * (rewards[-1] - mean)

    with torch.no_grad():
        chosen = net.predict(encoder(images(digits.test_inputs)))  # likeliest over 32 passes
    tenth = STEPS // 10
    print(
        f"seed {seed}: mean reward {sum(rewards) / STEPS:.3f}, over the last tenth"
        f" {sum(rewards[-tenth:]) / tenth:.3f}; right on"
        f" {(chosen == digits.test_labels).mean():.1%} of the images held out"
    )


for seed in map(int, sys.argv[1:] or ["0"]):
    run(seed)
