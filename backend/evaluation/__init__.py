"""How well the video model follows what it is given, measured: figures that ``python -m backend evaluate video`` prints."""
