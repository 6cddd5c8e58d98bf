"""Names over a picture that would lie on each other move apart."""

import numpy as np


def test_names_do_not_cover_each_other_and_move_no_more_than_they_must(room):
    drops = room("operators.label_places").drops
    rng = np.random.default_rng(2)
    corners = rng.uniform(0.0, 120.0, size=(30, 2))
    plates = [(x, y, x + 60.0, y + 12.0) for x, y in corners]
    moved = [(left, bottom - down, right, top - down) for (left, bottom, right, top), down in zip(plates, drops(plates), strict=True)]
    for index, one in enumerate(moved):
        for other in moved[:index]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] + 1e-9 or other[3] <= one[1] + 1e-9
    apart = [(0.0, 0.0, 10.0, 10.0), (11.0, 5.0, 20.0, 15.0), (0.0, 20.0, 10.0, 30.0)]
    assert drops(apart) == [0.0, 0.0, 0.0] and drops([]) == []
    assert drops([(0.0, 0.0, 10.0, 10.0), (5.0, 4.0, 15.0, 14.0)]) == [6.0, 0.0]
    assert drops([(0.0, 0.0, 10.0, 10.0)], [(8.0, 3.0, 12.0, 7.0)]) == [7.0]
