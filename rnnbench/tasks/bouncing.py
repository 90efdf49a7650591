"""Films of pictures that bounce off the walls: how they are made, and foretold from some of their frames. NumPy only.

A picture stands in the upper left corner of its array, with zeros around it: what meets the wall is its ink. Places and
velocities are whole pixels, as (row, column), so that a frame holds the picture itself, wherever it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Films(NamedTuple):
    """Plans of n films with k pictures each; every frame follows from them."""

    pictures: np.ndarray
    """(n, k) int: which picture."""
    start: np.ndarray
    """(n, k, 2) int: its place in the first frame, pixels."""
    velocity: np.ndarray
    """(n, k, 2) int: pixels a frame."""

    def rows(self, chosen: np.ndarray) -> Films:
        """Some of the films."""
        return Films(*(part[chosen] for part in self))


def planned(rng: np.random.Generator, n: int, k: int, sizes: np.ndarray, side: int, speed: int) -> Films:
    """n films of k pictures drawn with equal probability, each anywhere, at 1 to `speed` pixels a frame on both axes.

    `sizes`: (pictures, 2), the extent of each one's ink.
    """
    pictures = rng.integers(len(sizes), size=(n, k))
    room = side - sizes[pictures]
    start = rng.integers(room + 1)
    return Films(pictures, start, rng.integers(1, speed + 1, size=room.shape) * rng.choice((-1, 1), size=room.shape))


def reflected(at: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Places on a straight line, folded back at the walls, which stand at 0 and `room`."""
    within = at % np.maximum(2 * room, 1)
    return np.where(room > 0, np.minimum(within, 2 * room - within), 0)


def frames(films: Films, pictures: np.ndarray, sizes: np.ndarray, side: int, times: np.ndarray) -> np.ndarray:
    """(n, k, times, side, side): each picture of each film by itself; a film shows the brightest of them.

    `pictures`: (all, size, size); `times`: numbers of the frames, from 0.
    """
    room = (side - sizes[films.pictures])[:, :, None]
    places = reflected(films.start[:, :, None] + films.velocity[:, :, None] * times[:, None], room)
    size = pictures.shape[-1]
    # Beyond the canvas there are zeros alone, which are cut off.
    canvas = np.zeros((*places.shape[:3], side + size, side + size), pictures.dtype)
    film, layer, time = np.ogrid[: places.shape[0], : places.shape[1], : places.shape[2]]
    rows, columns = (places[..., axis, None] + np.arange(size) for axis in (0, 1))
    at = (part[..., None, None] for part in (film, layer, time))
    canvas[(*at, rows[..., :, None], columns[..., None, :])] = pictures[films.pictures][:, :, None]
    return canvas[..., :side, :side]


def at_constant_velocity(seen: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The frames numbered `times` of films of one picture, (n, times, side, side), from their first ones.

    `seen`: (n, frames, side, side). The picture is that of the last frame; its velocity the whole number, along each
    axis, whose path from the first frame on, folded back at the walls, is nearest to the
    places seen; of two paths the slower.
    """
    side = seen.shape[-1]
    places, sizes = _ink(seen)
    room = side - sizes[:, -1]
    speeds = np.array(sorted(range(-side, side + 1), key=abs))
    ahead = speeds[:, None, None] * np.arange(seen.shape[1])[:, None]
    paths = reflected(places[:, None, :1] + ahead, room[:, None, None])
    chosen = np.square(paths - places[:, None]).sum(axis=2).argmin(axis=1)
    then = reflected(places[:, :1] + speeds[chosen][:, None] * times[:, None], room[:, None])
    return _moved(seen[:, -1], then - places[:, -1:])


def in_the_corner(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, (n, size, size), moved to the upper left corner, and the extents of their ink, (n, 2)."""
    places, sizes = _ink(pictures)
    return _moved(pictures, -places[:, None])[:, 0], sizes


def _ink(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper left corner and extent of what is not 0, (..., 2) each; 0 where nothing is."""
    corners, extents = [], []
    for other in (-1, -2):
        inked: np.ndarray = np.any(pictures > 0, axis=other)
        first = inked.argmax(axis=-1)
        last = inked.shape[-1] - inked[..., ::-1].argmax(axis=-1)
        corners.append(first)
        extents.append(np.where(inked.any(axis=-1), last - first, 0))
    return np.stack(corners, axis=-1), np.stack(extents, axis=-1)


def _moved(pictures: np.ndarray, by: np.ndarray) -> np.ndarray:
    """(n, side, side), each moved by (n, times, 2) pixels that leave its ink inside: (n, times, side, side)."""
    side = pictures.shape[-1]
    rows, columns = ((np.arange(side) - by[..., axis, None]) % side for axis in (0, 1))
    return pictures[np.arange(len(pictures))[:, None, None, None], rows[..., :, None], columns[..., None, :]]
