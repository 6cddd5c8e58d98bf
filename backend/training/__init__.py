"""Training of the project's own models: the video model, and the small nets that measure it."""
