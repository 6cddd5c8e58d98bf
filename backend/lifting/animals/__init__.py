"""Animals: the quadruped fitted to outlines and clicked keypoints."""
