"""The whole loop in one command: ``run.py demo`` drives Blender through it and measures what came out."""
