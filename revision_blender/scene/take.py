"""Takes: bringing a clip into the scene, finding it again, giving it other motion."""

from .take_import import import_clip
from .take_motion import apply_motion
from .take_record import Take, find_take, find_takes

__all__ = ["Take", "apply_motion", "find_take", "find_takes", "import_clip"]
