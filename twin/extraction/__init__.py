"""Getting a trained model out of noisy arrays: linear regression, averages over training, export, inference.

Gokmen, Front. Artif. Intell. 4:699148 (2021), Part II.
"""
