"""Motion of one skeleton carried over to another."""
