"""People: found, followed, and fitted with a body."""
