"""What the motion prior sees and says: motions as tensors, their features, and the way back."""
