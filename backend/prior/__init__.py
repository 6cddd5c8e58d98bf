"""Refinement of motion."""
