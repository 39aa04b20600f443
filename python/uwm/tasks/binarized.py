"""Images whose pixels are drawn anew, black or white, each time that an image is asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uwm._core import Network, Sample, Task
from uwm.checks import finite, instance
from uwm.tasks.classification import Classification


class Binarized(Task):
    """A classification whose inputs are drawn: each is 1 with its intensity as the probability.

    The intensity of a pixel is where it lies between the smallest and the largest number of the
    training inputs. An image is another one each time, so that none can be learned by heart. This
    is how Hindsight Network Credit Assignment was tried on MNIST (K. Young, AAAI-22,
    arXiv 2011.12351).

    task: the images. low: what a black pixel is; 0 or -1 are usual.

    Raises TypeError if task is no Classification, ValueError if its inputs are all equal or low is
    not below 1.

    >>> import numpy as np, uwm
    >>> task = uwm.tasks.Binarized(uwm.tasks.Classification([[0, 8], [16, 4]], ["a", "b"]))
    >>> np.unique(task.inputs(seed=1, step=0, batch_size=100)).tolist()
    [-1.0, 1.0]
    """

    def __init__(self, task: Classification, *, low: float = -1.0) -> None:
        super().__init__()
        instance("task", task, Classification, "a uwm.tasks.Classification")
        self.task = task
        self.low = finite("low", low, below=1)
        self._least, most = float(task.train_inputs.min()), float(task.train_inputs.max())
        if self._least == most:
            raise ValueError(f"the inputs of task must differ, got {self._least:g} everywhere")
        self._range = most - self._least
        self.name = f"{task.name}, binarized"

    @property
    def n_inputs(self) -> int:
        """The number of pixels."""
        return self.task.n_inputs

    @property
    def n_outputs(self) -> int:
        """The number of classes; 1 for two classes."""
        return self.task.n_outputs

    def inputs(self, seed: int, step: int, batch_size: int) -> NDArray[np.float64]:
        """Return a drawn batch, shape (batch_size, n_inputs)."""
        intensity = (self.task.inputs(seed, step, batch_size) - self._least) / self._range
        white = np.random.default_rng([seed, step]).random(intensity.shape) < intensity
        return np.where(white, 1.0, self.low)

    def reward(self, seed: int, step: int, sample: Sample) -> NDArray[np.float64]:
        """Return +1 for each right class and -1 for each wrong one."""
        return np.asarray(self.task.reward(seed, step, sample))

    def accuracy(self, net: Network, *, passes: int = 32) -> float:
        """Return the share of the held-out images that are put into the right class, from 0 to 1.

        A pixel is white where its intensity is one half or more. Otherwise as
        `Classification.accuracy`.
        """
        white = (self.task.test_inputs - self._least) / self._range >= 0.5
        x = np.where(white, 1.0, self.low)
        return self.task.accuracy(net, x, self.task.test_labels, passes=passes)
