"""The one exception of the wire: whatever arrives, however broken, ends as a ``WireError`` with a sentence."""

from ..motion.errors import RevisionError


class WireError(RevisionError):
    """A message, connection or backend that cannot be used; the text says what is wrong and what to do next."""
