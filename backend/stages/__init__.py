"""One module a stage: a request in, a result out."""
