"""Rules against the exact gradient: study.py goes along training, one_network.py measures."""
