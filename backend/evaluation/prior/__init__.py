"""How good the motion prior is: held-out motions broken in known ways, filters and other methods beside it, one table."""
