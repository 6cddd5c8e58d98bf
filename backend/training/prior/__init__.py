"""Training of the motion prior: motions, what breaks them, losses, the run."""
