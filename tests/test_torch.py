"""A network of units in PyTorch: unbiased gradients, shared memory, and clear refusals."""

from __future__ import annotations

import copy
import io
import itertools
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from enumerated import every_activity
from nets import SHAPES, UNBIASED, network_and_input, smooth_reward

import uwm
from uwm.analysis import exact_gradient

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'uwm[torch]'")
from uwm.torch import UnitNetwork  # noqa: E402

# No hidden layer, one and two of them; all outputs.
NETWORKS = [
    ((4, 2), "bernoulli"),
    ((4, 3), "softmax"),
    ((4, 1), "gaussian"),
    *SHAPES[:4],
    *SHAPES[5:8],
]
ONES = torch.ones(5, 3)
MANUAL = Path(__file__).parents[1] / "docs" / "python.md"


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, on a process per core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make(
    sizes: tuple[int, ...], output: str, units: str, rule: str, scale: float = 1.0
) -> UnitNetwork:
    net, _ = network_and_input(uwm, sizes, output, units, scale)
    return UnitNetwork(net, rule)


def small(**options: Any) -> UnitNetwork:
    return UnitNetwork(uwm.Network([3, 4, 2], seed=1, **options))


def gradients(module: Any) -> list[Any]:
    return [None if p.grad is None else p.grad.clone() for p in module.parameters()]


def distance(found: Any, want: Any) -> float:
    return float(np.linalg.norm(np.asarray(found) - want) / np.linalg.norm(want))


# Gradients


def largest_bias(units: UnitNetwork, raw: Any, encoder: Any) -> float:
    """Of the expected backward pass, over parameters, input and encoder, by enumeration."""
    x = encoder(raw)
    record, probability = every_activity(units.net, x.detach().numpy())
    m = len(probability)
    sample = units.clamp(x.expand(m, -1), record.activations)
    # The mean over the batch times m p is the sum over activities: rules are linear in the reward.
    reward = torch.tensor(smooth_reward(np.asarray(record.output)) * probability * m)
    x.retain_grad()
    units.zero_grad()
    units.surrogate(sample, reward).backward()
    exact = exact_gradient(units.net, x.detach().numpy(), smooth_reward)
    of_x = exact[0].bias @ units.net.layers[0].weight
    pairs = [(x.grad, of_x), (encoder.weight.grad, np.outer(of_x, raw)), (encoder.bias.grad, of_x)]
    for layer, want in zip(units.layers, exact, strict=True):
        pairs += [(layer.weight.grad, want.weight), (layer.bias.grad, want.bias)]
    return max(distance(found, -want) for found, want in pairs)


@pytest.mark.parametrize("scale", [0.3, 2.0])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), NETWORKS)
def test_the_backward_pass_has_no_bias(
    sizes: tuple[int, ...], output: str, units: str, scale: float
) -> None:
    torch.manual_seed(0)
    raw = torch.tensor([0.3, -1.0, 0.8], dtype=torch.float64)
    for rule in UNBIASED:
        encoder = torch.nn.Linear(3, sizes[0], dtype=torch.float64)
        bias = largest_bias(make(sizes, output, units, rule, scale), raw, encoder)
        assert bias < 1e-9, (rule, bias)


def log_probability(units: UnitNetwork, x: Any, h: list[Any]) -> Any:
    """Of every activity h of a network with a softmax output, in tensors, for autograd."""
    total, below = 0.0, x
    for layer, tau, action in zip(units.layers, units.net.temperature, h, strict=True):
        z = torch.nn.functional.linear(below, layer.weight, layer.bias) / tau
        if action is h[-1]:
            return total + (torch.log_softmax(z, -1) * action).sum(-1)
        total = total + torch.nn.functional.logsigmoid((2 * action - 1) * z).sum(-1)
        below = action


def test_autograd_through_every_activity_finds_the_same() -> None:
    """The expected reward as a sum of tensors, differentiated by torch itself."""
    units = make((3, 3, 2, 3), "softmax", "binary", "unbiased_weight_max")
    encoder = torch.nn.Linear(2, 3, dtype=torch.float64)
    raw = torch.tensor([0.5, -1.5], dtype=torch.float64)
    codes = itertools.product([0.0, 1.0], repeat=5)
    rows = [[*code, *one_hot] for code in codes for one_hot in np.eye(3)]
    table = torch.tensor(rows, dtype=torch.float64)
    h = [table[:, :3], table[:, 3:5], table[:, 5:]]
    x = encoder(raw).expand(len(table), -1)
    R = torch.tensor(smooth_reward(h[-1].numpy()))
    p = log_probability(units, x, h).exp()
    assert p.sum().item() == pytest.approx(1.0, abs=1e-12)
    both = torch.nn.ModuleList([units, encoder])
    (-(p * R).sum()).backward()
    want = gradients(both)
    both.zero_grad()
    x = encoder(raw).expand(len(table), -1)
    units.surrogate(units.clamp(x, h), (len(p) * p * R).detach()).backward()
    for found, exact in zip(gradients(both), want, strict=True):
        assert distance(found, exact.numpy()) < 1e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", uwm.RULES)
def test_the_gradients_are_minus_those_of_the_rule(name: str, dtype: Any) -> None:
    units = UnitNetwork(uwm.Network([3, 4, 2], dtype=dtype, temperature=0.7), name)
    x = torch.randn(5, 3, dtype=units.dtype, requires_grad=True)
    reward = torch.linspace(-1, 2, 5)
    sample = units(x)
    loss = units.surrogate(sample, reward)
    assert loss.dtype == units.dtype and loss.item() == pytest.approx(-0.5)
    (3 * loss).backward()
    update, of_x = uwm.rule(name).both_gradients(units.net, sample.record, reward.numpy())
    tolerance = {"rtol": 1e-5 if dtype == "float32" else 1e-13}
    np.testing.assert_allclose(x.grad, -3 * of_x / 5, **tolerance)
    for layer, g in zip(units.layers, update, strict=True):
        np.testing.assert_allclose(layer.weight.grad, -3 * g.weight, **tolerance)
        np.testing.assert_allclose(layer.bias.grad, -3 * g.bias, **tolerance)


def test_gradients_accumulate_and_samples_can_be_put_together() -> None:
    units = small()
    first, second = units(ONES), units(ONES)
    losses = [units.surrogate(s, torch.arange(5.0)) for s in (first, second)]
    for loss in losses:
        loss.backward()
    apart = gradients(units)
    units.zero_grad()
    sum(units.surrogate(s, torch.arange(5.0)) for s in (first, second)).backward()
    for one, other in zip(apart, gradients(units), strict=True):
        assert torch.allclose(one, other)


def test_only_what_requires_grad_gets_one() -> None:
    units, x = small(), ONES.clone().requires_grad_()
    units.layers[0].requires_grad_(False)
    units.surrogate(units(x), ONES[:, 0]).backward()
    assert [g is None for g in gradients(units)] == [True, True, False, False]
    assert x.grad is not None
    units.requires_grad_(False)
    x.grad = None
    units.surrogate(units(x), ONES[:, 0]).backward()
    assert x.grad.abs().sum() > 0
    assert not units.surrogate(units(ONES), ONES[:, 0]).requires_grad


def test_under_no_grad_there_is_a_value_alone() -> None:
    units = small()
    with torch.no_grad():
        loss = units.surrogate(units(ONES), torch.full((5,), 2.0))
    assert loss.item() == -2.0 and not loss.requires_grad
    with torch.no_grad():
        sample = units(ONES)
    units.surrogate(sample, torch.full((5,), 2.0)).backward()
    assert units.layers[0].weight.grad is not None


def test_it_is_differentiated_once() -> None:
    units = small()
    loss = units.surrogate(units(ONES), ONES[:, 0])
    (grad,) = torch.autograd.grad(loss, [units.layers[0].weight], create_graph=True)
    with pytest.raises(RuntimeError, match="a surrogate can be differentiated once, not twice"):
        grad.sum().backward()
    loss = units.surrogate(units(ONES), ONES[:, 0])
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "int64", "bool"])
def test_inputs_of_other_dtypes_are_converted(dtype: str) -> None:
    units, x = small(), ONES.to(getattr(torch, dtype))
    x.requires_grad_(x.is_floating_point())
    units.surrogate(units(x), x.detach()[:, 0]).backward()
    assert x.grad is None or x.grad.dtype == x.dtype


def test_a_rule_of_ones_own() -> None:
    class Own(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            return [np.outer(reward, np.ones(n)) for n in net.sizes[1:]]

    own = UnitNetwork(uwm.Network([3, 4, 2], seed=1), Own())
    built_in = UnitNetwork(uwm.Network([3, 4, 2], seed=1), "reinforce")
    found = []
    for units in (own, built_in):
        x = ONES.clone().requires_grad_()
        units.surrogate(units(x), torch.arange(5.0)).backward()
        found.append([*gradients(units), x.grad])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.skipif(not MANUAL.exists(), reason="the manual is not here")
def test_the_model_of_the_manual_learns() -> None:
    page = MANUAL.read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python no-run\n(import torch\n.*?)^```", page, re.M | re.S)
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(compile(code, str(MANUAL), "exec"), names)
    assert names["reward"].mean() > 0.8


def test_one_observation_is_a_batch_of_one() -> None:
    units, x = small(), torch.ones(3, requires_grad=True)
    sample = units(x)
    assert sample.output.shape == (1, 2)
    units.surrogate(sample, [2.0]).backward()
    want = units.rule.input_gradient(units.net, sample.record, [2.0])
    np.testing.assert_allclose(x.grad, -want[0], rtol=1e-6)


def test_an_encoder_learns_below_the_units() -> None:
    """Which of two inputs is larger, through an encoder whose outputs begin equal."""
    torch.manual_seed(1)
    encoder = torch.nn.Linear(2, 4)
    torch.nn.init.zeros_(encoder.weight)
    units = UnitNetwork(uwm.Network([4, 16, 2], output="softmax", seed=3))
    units.layers[0].requires_grad_(False)
    model = torch.nn.Sequential(encoder, units)
    adam = torch.optim.Adam(model.parameters(), lr=0.02)
    rewards = []
    for _ in range(250):
        x = torch.randn(64, 2)
        sample = model(x)
        reward = torch.where(sample.actions == x.argmax(1), 1.0, -1.0)
        adam.zero_grad()
        units.surrogate(sample, reward).backward()
        adam.step()
        rewards.append(reward.mean().item())
    assert np.mean(rewards[-50:]) > 0.8


# Memory


def test_the_parameters_are_the_networks_memory() -> None:
    units = small()
    net = units.net
    units.surrogate(units(ONES), torch.arange(5.0)).backward()
    torch.optim.SGD(units.parameters(), lr=0.1).step()
    for layer, mine in zip(net.layers, units.layers, strict=True):
        assert np.array_equal(layer.weight, mine.weight.detach())
        assert np.array_equal(layer.bias, mine.bias.detach())
    net.layers[0].weight[1, 2] = 7.0
    assert units.layers[0].weight[1, 2] == 7.0
    net.reset(seed=5)
    assert np.array_equal(
        units.layers[1].weight.detach(), uwm.Network([3, 4, 2], seed=5).layers[1].weight
    )
    with torch.no_grad():
        units.layers[0].bias.fill_(1e6)
    assert (net.forward(np.ones((2, 3))).activations[0] == 1).all()


def test_a_state_dict_is_copied_in_place_and_has_the_step() -> None:
    units, other = small(), UnitNetwork(uwm.Network([3, 4, 2], seed=1))
    for _ in range(3):
        units(ONES)
    with torch.no_grad():
        units.layers[0].weight.mul_(2.0)
    file = io.BytesIO()
    torch.save(units.state_dict(), file)
    file.seek(0)
    weight = other.net.layers[0].weight
    other.load_state_dict(torch.load(file))
    assert np.array_equal(weight, units.net.layers[0].weight) and other.net.step == 3
    assert torch.equal(units(ONES).output, other(ONES).output)
    other.load_state_dict(units.state_dict(), assign=True)
    with pytest.raises(ValueError, match=r"layers\[0\]\.weight must be the network's own memory"):
        other(ONES)


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "torch"])
def test_a_copy_has_a_network_of_its_own(how: str) -> None:
    units = small()
    units.layers[0].bias.requires_grad_(False)
    units(ONES)
    if how == "deepcopy":
        other = copy.deepcopy(units)
    elif how == "pickle":
        other = pickle.loads(pickle.dumps(units))
    else:
        file = io.BytesIO()
        torch.save(units, file)
        file.seek(0)
        other = torch.load(file, weights_only=False)
    assert [p.requires_grad for p in other.parameters()] == [True, False, True, True]
    assert torch.equal(units(ONES).output, other(ONES).output)
    other.surrogate(other(ONES), torch.arange(5.0)).backward()
    torch.optim.SGD(other.parameters(), lr=1.0).step()
    assert np.array_equal(other.net.layers[0].weight, other.layers[0].weight.detach())
    assert not np.array_equal(other.net.layers[0].weight, units.net.layers[0].weight)
    assert np.array_equal(units.net.layers[0].weight, units.layers[0].weight.detach())


def test_a_shallow_copy_shares_the_network() -> None:
    units = small()
    other = copy.copy(units)
    assert other.net is units.net
    other.net.layers[0].weight[0, 0] = 3.0
    assert units.layers[0].weight[0, 0] == 3.0


@pytest.mark.parametrize(
    "move",
    [
        lambda m: m.half(),
        lambda m: m.double(),
        lambda m: m.to(torch.bfloat16),
        lambda m: m.to("meta"),
        lambda m: m.share_memory(),
        lambda m: torch.nn.Sequential(m).to(torch.float64),
    ],
)
def test_parameters_do_not_leave_the_network(move: Any) -> None:
    units = small()
    with pytest.raises(ValueError, match="must stay in the network's memory, float32 on the CPU"):
        move(units)
    units(ONES)
    assert units.float().cpu().to(torch.float32) is units


def test_parameters_that_are_replaced_are_told() -> None:
    units = small()
    sample = units(ONES)
    flat = torch.nn.utils.parameters_to_vector(units.parameters())
    torch.nn.utils.vector_to_parameters(flat, units.parameters())
    for call in (
        lambda: units(ONES),
        lambda: units.surrogate(sample, ONES[:, 0]),
        lambda: copy.deepcopy(units),
    ):
        with pytest.raises(ValueError, match="change parameters in place, by copy_"):
            call()


# Refusals


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.ones(0, 3), ValueError, "x must hold at least one sample, got an empty batch"),
        (torch.ones(5, 2), ValueError, r"x must have shape \(batch, 3\), got \(5, 2\)"),
        (torch.ones(5, 3, 1), ValueError, r"x must have 2 dimensions, got shape \(5, 3, 1\)"),
        (torch.full((5, 3), torch.nan), ValueError, "x must be finite"),
        (torch.full((5, 3), 1e300, dtype=torch.float64), ValueError, "x must be finite"),
        (ONES.to("meta"), ValueError, r"x must be on the CPU, got meta: pass its cpu\(\)"),
        (ONES.to(torch.complex64), TypeError, "x must be a dense tensor of real numbers, got comp"),
        (ONES.to_sparse(), TypeError, "x must be a dense tensor of real numbers, got sparse_coo"),
        (ONES.numpy(), TypeError, "x must be a tensor, got a ndarray"),
        (None, TypeError, "x must be a tensor, got a NoneType"),
    ],
)
def test_inputs_that_cannot_be(x: Any, error: Any, message: str) -> None:
    units = small()
    with pytest.raises(error, match=message):
        units(x)
    assert units.net.step == 0


@pytest.mark.parametrize(
    ("reward", "error", "message"),
    [
        (torch.ones(4), ValueError, r"reward must have shape \(5,\), got \(4,\)"),
        (torch.ones(5, 1), ValueError, r"reward must have shape \(5,\), got \(5, 1\)"),
        (torch.tensor(1.0), ValueError, r"reward must have shape \(5,\), got \(\)"),
        (torch.full((5,), torch.inf), ValueError, "reward must be finite"),
        (torch.ones(5, requires_grad=True), ValueError, r"must not require grad.*detach\(\)"),
        (torch.ones(5, dtype=torch.complex64), TypeError, "reward must be a dense tensor of real"),
        (torch.full((5,), 1e300, dtype=torch.float64), ValueError, "reward must be .* float32"),
        ("much", TypeError, "reward must be an array of real numbers"),
    ],
)
def test_rewards_that_cannot_be(reward: Any, error: Any, message: str) -> None:
    units = small()
    with pytest.raises(error, match=message):
        units.surrogate(units(ONES), reward)


def test_rewards_of_many_kinds() -> None:
    units = small()
    for reward in ([1, 0, 1, 1, 1], np.ones(5), torch.ones(5).bfloat16(), torch.ones(5).bool()):
        assert units.surrogate(units(ONES), reward).item() < 0


def test_samples_of_others_and_of_the_past() -> None:
    units = small()
    sample = units(ONES)
    with pytest.raises(ValueError, match="sample must be of this module"):
        copy.deepcopy(units).surrogate(sample, ONES[:, 0])
    with pytest.raises(TypeError, match=r"sample must be a uwm\.torch\.Sample, which the module"):
        units.surrogate(sample.record, ONES[:, 0])

    def in_torch() -> None:
        with torch.no_grad():
            units.layers[1].bias[0].mul_(1.0000002)

    def in_uwm() -> None:
        uwm.SGD(1e-6).step(units.net, uwm.Reinforce().gradient(units.net, sample.record, [1] * 5))

    def temperature() -> None:
        units.net.temperature = 1.5

    for change in (in_torch, in_uwm, temperature, lambda: units.net.reset(seed=8)):
        sample = units(ONES)
        change()
        with pytest.raises(ValueError, match="sample must be drawn by the present parameters"):
            units.surrogate(sample, ONES[:, 0])


def test_what_is_no_network_and_no_rule() -> None:
    with pytest.raises(TypeError, match=r"net must be a uwm\.Network, got"):
        UnitNetwork([3, 1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"rule must be a name or a uwm\.Rule, got 3"):
        UnitNetwork(uwm.Network([3, 1]), 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rule must be one of"):
        UnitNetwork(uwm.Network([3, 1]), "backprop")

    class Other(uwm.Rule):
        def gradient(self, net: Any, sample: Any, reward: Any) -> Any:
            return []

    with pytest.raises(TypeError, match=r"Other replaces Rule\.gradient, which uwm\.torch does"):
        UnitNetwork(uwm.Network([3, 1]), Other())
