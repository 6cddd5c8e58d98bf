"""Training of the motion-conditioned video model (arXiv 2504.21855, section 2.3 of its supplement), in SVD's own formulation."""
