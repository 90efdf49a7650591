"""Films of bouncing pictures: walls, frames, and constant velocity, which foretells them without an error."""

from __future__ import annotations

import numpy as np
import pytest

from rnnbench.tasks.bouncing import Films, at_constant_velocity, frames, in_the_corner, planned, reflected


def test_a_straight_line_is_folded_back_at_both_walls():
    path = reflected(3 + 2 * np.arange(9), np.array(4))
    assert path.tolist() == [3, 3, 1, 1, 3, 3, 1, 1, 3]  # 5 is 3, 7 is 1; -1 is 1
    assert reflected(-np.arange(9), np.array(3)).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert reflected(np.arange(5), np.array(0)).tolist() == [0] * 5


def test_a_film_step_by_step():
    """As a ball is moved: a step, then its velocity turned round where it has passed a wall."""
    pictures, sizes = in_the_corner(np.random.default_rng(0).random((6, 4, 4)) * (np.arange(4) < 3))
    films = planned(np.random.default_rng(1), 40, 2, sizes, 9, 3)
    assert set(np.unique(np.abs(films.velocity))) == {1, 2, 3}
    found = frames(films, pictures, sizes, 9, np.arange(30))
    assert found.shape == (40, 2, 30, 9, 9)
    for film in range(40):
        for layer in range(2):
            picture = films.pictures[film, layer]
            place, velocity = films.start[film, layer].copy(), films.velocity[film, layer].copy()
            height, width = sizes[picture]
            for time in range(30):
                expected = np.zeros((9, 9))
                row, column = place
                expected[row : row + height, column : column + width] = pictures[picture, :height, :width]
                np.testing.assert_array_equal(found[film, layer, time], expected)
                for axis in (0, 1):
                    room = 9 - sizes[picture, axis]
                    place[axis] += velocity[axis]
                    if not 0 <= place[axis] <= room:
                        place[axis] = -place[axis] if place[axis] < 0 else 2 * room - place[axis]
                        velocity[axis] = -velocity[axis]


def test_places_and_pictures_are_drawn_evenly():
    sizes = np.array([[2, 5], [3, 1]])
    films = planned(np.random.default_rng(0), 20_000, 1, sizes, 6, 1)
    for picture in (0, 1):
        chosen = films.pictures[:, 0] == picture
        assert chosen.mean() == pytest.approx(0.5, abs=0.02)
        for axis in (0, 1):
            room = 6 - sizes[picture, axis]
            counts = np.bincount(films.start[chosen, 0, axis])
            assert len(counts) == room + 1
            assert np.abs(counts / chosen.sum() - 1 / (room + 1)).max() < 0.02


@pytest.mark.parametrize("speed", [1, 2, 5])
def test_constant_velocity_foretells_a_film_of_one_picture(speed):
    rng = np.random.default_rng(speed)
    pictures, sizes = in_the_corner(rng.random((20, 5, 5)) * (rng.random((20, 5, 5)) < 0.7))
    whole = frames(planned(rng, 500, 1, sizes, 12, speed), pictures, sizes, 12, np.arange(160))[:, 0]
    for seen in (3, 10):
        times = np.array([seen, seen + 1, 60, 159])
        found = at_constant_velocity(whole[:, :seen], times)
        wrong = (found != whole[:, times]).any(axis=(1, 2, 3))
        # Three frames may fit two paths: a bounce is as good as a slow step.
        assert wrong.mean() <= (0.0 if seen == 10 or speed == 1 else 0.3)


def test_constant_velocity_of_what_stands_still_and_of_nothing():
    still = np.zeros((2, 4, 6, 6))
    still[0, :, 2:4, 3] = 0.5
    np.testing.assert_array_equal(at_constant_velocity(still, np.array([4, 50])), still[:, :2])


def test_pictures_move_to_the_corner():
    pictures = np.zeros((2, 5, 5))
    pictures[0, 2, 3] = pictures[0, 4, 1] = 1.0
    found, sizes = in_the_corner(pictures)
    assert sizes.tolist() == [[3, 3], [0, 0]]
    assert np.argwhere(found[0]).tolist() == [[0, 2], [2, 0]]
    assert not found[1].any()


def test_films_are_chosen_by_row():
    films = Films(np.arange(3)[:, None], np.arange(6).reshape(3, 1, 2), np.ones((3, 1, 2), int))
    chosen = films.rows(np.array([2, 0]))
    assert chosen.pictures.tolist() == [[2], [0]]
    assert chosen.start.tolist() == [[[4, 5]], [[0, 1]]]
