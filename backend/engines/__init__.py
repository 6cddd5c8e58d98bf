"""Video engines behind one interface."""
