"""Seconds and bytes of a run: predicted, fitted into the memory there is, measured, learned from."""
