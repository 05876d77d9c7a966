"""The honest table: accuracy, robustness and cost of a dynamic network, with intervals."""
