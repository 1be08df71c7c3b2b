"""Scripts that another interpreter may run by their path: they import a competitor and nothing of TinyCoder."""
