"""The classes of the built-in rules, as the engine lists them."""

from uwm import _core

globals().update({cls.__name__: cls for cls in _core.rule_classes()})
