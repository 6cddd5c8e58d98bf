"""The demo's picture: the open body, dressed and lit, rendered with Cycles. Needs ``bpy``; see ``render.py``."""
