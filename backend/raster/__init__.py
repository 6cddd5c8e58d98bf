"""Part masks and depth from meshes, on the CPU."""
