"""The motion prior's network: what it is made of, what it is told, and how long clips pass through it."""
