"""Engine ``svd``: Stable Video Diffusion, plain, conditioned on part masks, or steered without training."""
