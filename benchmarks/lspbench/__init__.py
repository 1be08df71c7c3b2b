"""lspbench, as a package for the other scripts of benchmarks/; its own commands are scripts."""
