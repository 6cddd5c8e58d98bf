"""Panels: drawing only."""
