"""From a trained CLIP to a system that describes and answers. Read in this order: steps, recipe, study.

steps.py    one batch -> losses and gradients
recipe.py   what is trained on what, for how long
study.py    every score beside its baselines
"""
