"""From pictures to bodies, camera and ground."""
