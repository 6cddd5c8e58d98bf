"""From noise to latents: schedules, steps, guidance, long clips in windows, and dual-clock denoising."""
