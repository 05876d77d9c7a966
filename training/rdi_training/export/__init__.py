"""From a trained network to a folder that `rdi-serve import` turns into a model package."""
