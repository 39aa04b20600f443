"""Write a task whose reward comes late: several decisions, one reward at the end.

A walker starts in the middle of a corridor and takes eight steps, left or right. It is paid only
after the last step, by where it stands. Every decision of a walk is then learned from with the pay
of the whole walk: the actions that the units took are clamped, and the pay is their reward.
"""

import numpy as np

import uwm

STEPS, WALKERS, GOAL = 8, 64, 4


def observe(place, step):
    """Return what a walker sees: where it stands and how many steps are left, from -1 to 1."""
    return np.column_stack([place / STEPS, np.full(len(place), 1 - 2 * step / STEPS)])


def walk(net):
    """Return what all walkers saw, (STEPS * WALKERS, 2), what their units did, and their pay."""
    place = np.zeros(WALKERS)
    seen, done = [], []
    for step in range(STEPS):
        x = observe(place, step)
        sample = net.forward(x)
        place += 2 * sample.output[:, 0] - 1
        seen.append(x)
        done.append([h.copy() for h in sample.activations])
    pay = 1.0 - abs(place - GOAL) / STEPS
    activations = [np.concatenate(layer) for layer in zip(*done, strict=True)]
    return np.concatenate(seen), activations, pay


net = uwm.Network([2, 16, 1], seed=0)
rule, adam, baseline = uwm.UnbiasedWeightMax(), uwm.Adam(0.02), 0.0
for episode in range(300):
    x, activations, pay = walk(net)
    sample = net.clamp(x, activations)  # the record of all steps of all walkers, nothing drawn
    adam.step(net, rule.gradient(net, sample, np.tile(pay - baseline, STEPS)))
    baseline += 0.1 * (pay.mean() - baseline)
    if episode % 100 == 0 or episode == 299:
        print(f"walk {episode:3d}: mean pay {pay.mean():.3f} of at most 1")
