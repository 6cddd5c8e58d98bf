"""The generation backend: server, worker, and everything that needs torch."""
