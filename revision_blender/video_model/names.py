"""How a request names the video model: the bundled small one, a repository on the model hub, or a folder.

An empty name means that the user chose nothing yet.
"""

import re
from typing import Literal

BUNDLED = "small"
PUBLISHED = ("stabilityai/stable-video-diffusion-img2vid-xt-1-1", "stabilityai/stable-video-diffusion-img2vid-xt")

Kind = Literal["none", "bundled", "hub", "folder"]

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def kind_of(name: str) -> Kind:
    """A name with one slash and no path around it is a hub repository; anything else that is not empty or bundled is a folder."""
    if not name:
        return "none"
    if name == BUNDLED:
        return "bundled"
    return "hub" if _HUB_NAME.fullmatch(name) else "folder"
