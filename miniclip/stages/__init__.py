"""From a trained CLIP to a system that describes and answers, in stages."""
