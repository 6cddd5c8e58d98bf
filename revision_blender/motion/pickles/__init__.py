"""Pickles read as data: an interpreter of our own that can build arrays and plain values and nothing else."""
