"""Operators: read properties, call one function, report."""
