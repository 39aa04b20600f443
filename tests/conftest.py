"""What every test counts on."""

import os
import signal
from types import ModuleType

import hypothesis
import pytest
from nets import implementation

# A shell starts what runs in its background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# UWM_FUZZ=1 tries other calls and files every time, for some minutes.
hypothesis.settings.register_profile(
    "short", max_examples=15, stateful_step_count=20, derandomize=True, database=None, deadline=None
)
hypothesis.settings.register_profile(
    "long", max_examples=500, stateful_step_count=60, database=None, deadline=None, print_blob=True
)
hypothesis.settings.load_profile("long" if os.environ.get("UWM_FUZZ") else "short")


@pytest.fixture(params=["reference", "engine"])
def maker(request: pytest.FixtureRequest) -> ModuleType:
    """What makes networks and rules: the engine, and its twin in NumPy."""
    return implementation(request.param)
