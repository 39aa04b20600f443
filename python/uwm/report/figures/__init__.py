"""Pictures of results, one file each; style.py, colours.py and bands.py are what they share."""
