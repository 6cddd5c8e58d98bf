"""How the U-Net is run: the same mathematics done faster, and what a preset leaves out."""
