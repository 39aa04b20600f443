"""`python -m uwm` is the command `uwm`."""

import sys

from uwm.cli import main

sys.exit(main())
