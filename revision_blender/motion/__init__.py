"""What moves: clips, tracks, cameras, body kinematics and file formats; numpy only."""
