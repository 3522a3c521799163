"""Where a piece of one image is found again in the next: by search, and by fitting an affine map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FloatImage = NDArray[np.float32]

_STEPS = 8
_STIFF = 0.02
_TUKEY = 2.5
_DONE = 0.02
_EVEN = 1e-6
"""So little does each step of a shift count against it."""


@dataclass(frozen=True, eq=False)
class Level:
    """Two images (height, width) at one blur; ``seen`` (3, height, width) is the second, and its slopes along
    y and x.
    """

    before: FloatImage
    seen: FloatImage

    @classmethod
    def of(cls, before: FloatImage, after: FloatImage, sigma: float) -> Level:
        """The level with a blur of ``sigma`` pixels."""
        from scipy import ndimage

        blurred, other = (ndimage.gaussian_filter(image, sigma) for image in (before, after))
        return cls(blurred, np.stack([other, *np.gradient(other)]))

    def part(self, rows: slice, columns: slice) -> Level:
        """A part of it."""
        return Level(self.before[rows, columns], self.seen[:, rows, columns])


@dataclass(frozen=True, eq=False)
class _Template:
    """What is to be found again: ``values`` (n,) that count by ``weights`` (n,), whose sum is ``total``."""

    values: Array
    weights: Array
    total: float
    mean: float
    apart: Array
    spread: float

    @classmethod
    def of(cls, values: Array, weights: Array) -> _Template:
        total = weights.sum()
        mean = values @ weights / total
        apart = values - mean
        return cls(values, weights, total, mean, apart, weights @ (apart * apart))

    def match(self, seen: Array) -> tuple[float, float, float]:
        """Gain and base that make ``seen`` most like the template, and their correlation."""
        mean = seen @ self.weights / self.total
        apart = seen - mean
        common, own = self.weights @ (apart * self.apart), self.weights @ (apart * apart)
        gain = min(max(float(common / (own + 1e-9)), 0.5), 2.0)
        return gain, float(self.mean - gain * mean), float(common / np.sqrt(own * self.spread + 1e-9))


def fit(level: Level, points: Array, weights: Array, centre: Array, state: Array) -> tuple[Array, float]:
    """Gauss-Newton steps from ``state``: shift (dy, dx), then the four entries of the matrix less 1.

    ``points`` (n, 2) are pixels of the image before. The result is the new state and the correlation of what
    lies there before and after.
    """
    inside = np.all((points >= 0) & (points <= np.array(level.before.shape) - 1), axis=1)
    rows, columns = points[inside].astype(np.intp).T
    weights, arms = weights[inside], np.ascontiguousarray((points[inside] - centre).T)
    template = _Template.of(level.before[rows, columns].astype(np.float64), weights)
    size = float(np.sqrt(np.mean(arms**2))) + 1e-6
    likeness = -1.0
    for _ in range(_STEPS):
        where = (np.eye(2) + state[2:].reshape(2, 2)) @ arms + (centre + state[:2])[:, None]
        seen, dy, dx = _samples(level.seen, where)
        gain, base, likeness = template.match(seen)
        error = template.values - gain * seen - base
        step = _step(gain * dy, gain * dx, arms, error, weights, state, size)
        state = state + step
        if max(np.abs(step[:2]).max(), np.abs(step[2:]).max() * size) < _DONE:
            break
    return state, likeness


def search(level: Level, cells: NDArray[np.bool_], reach: int) -> Array:
    """The shift (dy, dx) by at most ``reach`` pixels after which ``cells`` and their rim look most alike.

    Of shifts that are as good, as all are on a blank image, it is the smallest.
    Correlation with a masked template (Padfield 2012) on images reduced to a few pixels per blur.
    """
    from scipy import ndimage

    reduce = 3
    wide = ndimage.binary_dilation(cells, iterations=2 * reduce)
    weights = wide[::reduce, ::reduce].astype(np.float64)
    before, after = (image[::reduce, ::reduce].astype(np.float64) for image in (level.before, level.seen[0]))
    total = weights.sum()
    template = weights * (before - (weights * before).sum() / total)
    pad = reach // reduce + 1
    after = np.pad(after - after.mean(), pad, mode="edge")
    common = _correlation(after, template)
    mean = _correlation(after, weights) / total
    square = _correlation(after**2, weights) / total
    likeness = common / np.sqrt(np.maximum(square - mean**2, 1e-3))
    shifts = (np.arange(length) - pad for length in likeness.shape)
    likeness -= _EVEN * np.hypot(*np.meshgrid(*shifts, indexing="ij"))
    row, column = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return np.array([row - pad, column - pad], dtype=np.float64) * reduce


def _correlation(image: Array, template: Array) -> Array:
    """At each place where ``template`` lies within ``image``.

    As ``scipy.signal``, whose loading takes longer than that of all else here and a tenth of SciPy's size.
    """
    from scipy import fft

    shape = [fft.next_fast_len(image.shape[axis], real=True) for axis in (0, 1)]
    product = fft.rfft2(image, shape) * np.conj(fft.rfft2(template, shape))
    rows, columns = (image.shape[axis] - template.shape[axis] + 1 for axis in (0, 1))
    return np.asarray(fft.irfft2(product, shape)[:rows, :columns])


def _samples(images: FloatImage, where: Array) -> Array:
    """Bilinear samples of every image at positions (2, n), clamped to the images."""
    height, width = images.shape[1:]
    y, x = np.minimum(np.maximum(where, 0), [[height - 1.001], [width - 1.001]])
    row, column = y.astype(np.intp), x.astype(np.intp)
    down, right = y - row, x - column
    flat, place = images.reshape(len(images), -1), row * width + column
    left, beside, below, across = (flat.take(place + n, axis=1) for n in (0, 1, width, width + 1))
    top, bottom = left * (1 - right) + beside * right, below * (1 - right) + across * right
    return np.asarray(top * (1 - down) + bottom * down)


def _step(
    dy: Array, dx: Array, arms: Array, error: Array, weights: Array, state: Array, size: float
) -> Array:
    spread = 1.4826 * _median(np.abs(error)) + 1e-3
    trust = weights / (1 + (error / (_TUKEY * spread)) ** 2) ** 2
    slopes = np.concatenate([[dy, dx], dy * arms, dx * arms])
    normal = (slopes * trust) @ slopes.T
    # Turning and growing must pay for themselves; what is seen along an edge only says nothing of the rest.
    stiff = _STIFF * (np.trace(normal[:2, :2]) / 2 + 1e-9) * np.array([0.25, 0.25, *[size**2] * 4])
    pull = np.concatenate([np.zeros(2), (stiff * state)[2:]])
    return np.linalg.solve(normal + np.diag(stiff), slopes @ (trust * error) - pull)


def _median(values: Array) -> float:
    """As ``numpy.median``, which takes longer than all else of a step."""
    middle = values.size // 2
    if values.size % 2:
        return float(np.partition(values, middle)[middle])
    below, above = np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1]
    return float((below + above) / 2)
