"""What all tracks share: the camera, the floor, the scale, the shots of a video."""
