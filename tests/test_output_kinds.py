"""The kinds of output are objects that are equal to their names."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import implementation

import uwm
from uwm import _core, reference

KINDS = (uwm.Bernoulli(), uwm.Softmax(), uwm.Gaussian(), uwm.Gaussian(sigma=0.5))


@pytest.fixture(params=["engine", "reference"])
def module(request: pytest.FixtureRequest) -> Any:
    return implementation(request.param)


def test_the_registry_is_the_list_of_names_and_each_has_a_class() -> None:
    infos = _core.output_infos()
    assert tuple(name for name, _, _ in infos) == uwm.OUTPUTS
    for name, description, settings in infos:
        assert description
        output = uwm.Network([3, 2], output=name).output
        assert output.settings == settings
        for package in (uwm, reference):
            assert isinstance(output, uwm.Output)
            assert getattr(package, type(output).__name__)(**settings) == output


@pytest.mark.parametrize("output", KINDS, ids=repr)
def test_an_output_is_equal_to_its_name_and_to_an_equal_output(output: Any, module: Any) -> None:
    for given in (output, output.name) if output == type(output)() else (output,):
        found = module.Network([3, 2], output=given).output
        assert found == output and output == found
        assert found == output.name and output.name == found and found != "poisson"
        assert hash(found) == hash(output) == hash(output.name)
        assert (str(found), found.name) == (output.name, output.name)
        assert f"{found}" == output.name and repr(found) == repr(output)
        assert {"bernoulli": 0, "softmax": 1, "gaussian": 2}[found] == uwm.OUTPUTS.index(str(found))
        assert found != 3 and found is not None


def test_outputs_of_other_kinds_and_settings_differ() -> None:
    for i, one in enumerate(KINDS):
        assert [one == other for other in KINDS] == [i == j for j in range(len(KINDS))]


def test_a_gaussian_prints_its_sigma() -> None:
    net = uwm.Network([3, 2], output=uwm.Gaussian(sigma=0.5))
    assert repr(net.output) == "uwm.Gaussian(sigma=0.5)"
    assert isinstance(net.output, uwm.Gaussian) and net.output.sigma == 0.5
    assert "output=uwm.Gaussian(sigma=0.5)" in repr(net)
    assert "output='gaussian'" in repr(uwm.Network([3, 2], output="gaussian"))
    assert repr(uwm.Bernoulli()) == "uwm.Bernoulli()"


@pytest.mark.parametrize("output", KINDS, ids=repr)
def test_outputs_pickle_and_go_wherever_the_network_goes(output: Any, tmp_path: Path) -> None:
    for made in (pickle.loads(pickle.dumps(output)), copy.copy(output), copy.deepcopy(output)):
        assert made == output and type(made) is type(output)
    net = uwm.Network([3, 2], output=output, seed=3)
    uwm.save(tmp_path / "net", net)
    twin = reference.Network.from_network(net)
    others = (
        net.copy(),
        net.astype("float64"),
        pickle.loads(pickle.dumps(net)),
        uwm.load(tmp_path / "net").net,
        twin,
        twin.copy(),
        uwm.Network([3, 2], output=twin.output),
    )
    assert [other.output for other in others] == [output] * len(others)


def test_sigma_is_in_the_file_of_a_gaussian_alone(tmp_path: Path) -> None:
    for output in KINDS:
        uwm.save(tmp_path / "net", uwm.Network([3, 2], output=output))
        assert (b'"sigma"' in (tmp_path / "net").read_bytes()) == (output == "gaussian")


@pytest.mark.parametrize("sigma", [0, -1, float("nan"), float("inf"), 1e-200, 1e200, 10**400])
def test_a_sigma_out_of_range_is_refused(sigma: Any, module: Any) -> None:
    with pytest.raises(ValueError, match=r"^sigma must be .*, got "):
        module.Gaussian(sigma=sigma)


@pytest.mark.parametrize("sigma", ["a", None, True, 1j, [0.5]])
def test_a_sigma_that_is_no_number_is_refused(sigma: Any, module: Any) -> None:
    with pytest.raises(TypeError, match=r"^sigma must be a number, got "):
        module.Gaussian(sigma)


def test_a_sigma_out_of_range_for_float32_is_refused_by_the_network() -> None:
    for sigma in (1e-30, 1e30):
        with pytest.raises(ValueError, match=r"sigma must be from 1.*e-19 to 9.*e\+18 in float32"):
            uwm.Network([2, 1], output=uwm.Gaussian(sigma))
        assert uwm.Network([2, 1], output=uwm.Gaussian(sigma), dtype="float64").output.settings == {
            "sigma": sigma
        }


@pytest.mark.parametrize("output", ["poisson", "Gaussian", "", "gaussian(0.5)"])
def test_an_unknown_name_is_answered_with_the_names(output: str, module: Any) -> None:
    with pytest.raises(ValueError, match="'bernoulli', 'softmax' or 'gaussian', got"):
        module.Network([3, 2], output=output)


@pytest.mark.parametrize("output", [3, None, b"softmax", uwm.Gaussian, {"sigma": 0.5}, 0.5])
def test_what_is_no_output_is_refused(output: Any, module: Any) -> None:
    with pytest.raises(TypeError, match="output must be a name or an output, such as"):
        module.Network([3, 2], output=output)


def test_an_output_does_not_change() -> None:
    net = uwm.Network([3, 2], output=uwm.Gaussian(0.5))
    with pytest.raises(AttributeError):
        net.output.sigma = 2.0  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        net.output = "softmax"  # type: ignore[assignment,misc]
    assert net.output == uwm.Gaussian(np.float32(0.5))


def test_a_kind_of_ones_own_is_refused_by_its_name() -> None:
    class Poisson(uwm.Output):
        name = "poisson"

    with pytest.raises(ValueError, match=r"output must be 'bernoulli', .* got 'poisson'"):
        uwm.Network([3, 2], output=Poisson())
    with pytest.raises(ValueError, match=r"output must be 'bernoulli', .* got 'poisson'"):
        reference.Network([3, 2], output=Poisson())
