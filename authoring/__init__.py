"""Makes what the project ships: the open body, the motion library, the demo picture. Imported by nothing."""
