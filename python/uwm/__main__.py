"""`python -m uwm` is the command `uwm`."""

import sys

from uwm.cli import main

if __name__ == "__main__":  # the ranks of an MPI job import it, too
    sys.exit(main())
