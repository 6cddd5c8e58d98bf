"""What the interface and the backend both know about the video model: its files, names, presets, sizes and cost. Standard library only."""
