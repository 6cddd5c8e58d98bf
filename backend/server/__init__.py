"""The job server: sockets, ledger, job folders, worker supervision; never imports torch."""
