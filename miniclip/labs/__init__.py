"""What is claimed of CLIP, tried: a file for each claim, with one function that measures, and the bars it must meet."""
