"""Rigs: the armature of a body, its skinned mesh, and the mathematics between SMPL and bones."""
