"""Body models: their arrays, files and mathematics."""
