"""Scripts that another interpreter may run by their path: they import their peer and nothing of TinyCoder."""
