"""Train, attack, evaluate and export robust multi-exit image classifiers (RDI-Nets).

Source: Hu, Chen, Wang, Wang, "Triple Wins: Boosting Accuracy, Robustness and Efficiency Together by
Enabling Input-Adaptive Inference", ICLR 2020 (arXiv 2002.10025).
"""

__version__ = "0.1.0"
