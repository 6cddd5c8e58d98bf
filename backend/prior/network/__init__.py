"""The motion prior's network: a transformer over time, what it is told beside the motion, and its weights."""
