"""The domain of ReVision: motion, masks, the wire and Blender's scene, each a room with its own import rules."""
