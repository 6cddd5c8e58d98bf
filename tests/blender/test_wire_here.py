"""The wire under Blender's own Python and numpy, whose types differ from the backend's."""

import numpy as np


def test_every_request_with_arrays_travels(room) -> None:
    codec, requests = room("revision_blender.wire.codec"), room("revision_blender.wire.requests")
    for request in (
        requests.DecodeRequest(np.arange(5, dtype=np.uint8)),
        requests.CoarseRequest(np.zeros((4, 6, 3), np.uint8), prompt="walk"),
        requests.LiftRequest(np.ones((2, 4, 6, 3), np.uint8), fps=7.5),
    ):
        back = codec.request_from(codec.content_of_request(request))
        assert type(back) is type(request)
        for name, value in vars(request).items():
            assert np.array_equal(getattr(back, name), value), name
