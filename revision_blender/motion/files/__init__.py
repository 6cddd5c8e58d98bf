"""Readers and writers of the motion files that people bring and take away."""
