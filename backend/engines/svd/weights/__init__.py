"""A model's folder: downloaded, checked, loaded, its first layer widened for the motion condition, its facts."""
