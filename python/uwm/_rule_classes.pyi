# The engine makes the class of each built-in rule, in the order of `BuiltInRules` in
# cpp/include/uwm/rules.hpp. Each has a line here; tests/test_rules.py says which is missing.

from typing import Any, Literal

import numpy.typing as npt

from uwm._core import Network, Rule, Sample

class _Class(type): ...  # pybind11's, which no module exports

class _BuiltIn(Rule, metaclass=_Class):
    def unit_rewards(
        self, net: Network, sample: Sample, reward: npt.ArrayLike
    ) -> list[npt.NDArray[Any]]: ...

class Reinforce(_BuiltIn): ...
class StraightThrough(_BuiltIn): ...

class WeightMax(_BuiltIn):
    def __init__(self, norm: float = 2.0) -> None: ...
    @property
    def norm(self) -> float: ...

class UnbiasedWeightMax(_BuiltIn):
    def __init__(
        self, form: Literal["blended", "posterior", "two_sided", "one_sided"] = "blended"
    ) -> None: ...
    @property
    def form(self) -> Literal["blended", "posterior", "two_sided", "one_sided"]: ...

class FlipDifference(_BuiltIn): ...
class PosteriorReinforce(_BuiltIn): ...
class FeedbackAlignment(_BuiltIn): ...
