"""Without PyTorch everything else works, and uwm.torch says what to install."""

import subprocess
import sys

CODE = """
import sys
sys.modules["torch"] = None  # as if it were not installed
import uwm
uwm.Network([2, 1])
try:
    import uwm.torch
except ImportError as error:
    print(error)
"""


def test_it_says_what_to_install() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert run.stdout == "uwm.torch needs PyTorch: pip install 'uwm[torch]'\n"
