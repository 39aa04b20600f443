"""Find each rule's best learning rates: search.py says what is searched, runner.py how."""
