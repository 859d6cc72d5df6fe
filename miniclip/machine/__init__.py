"""Cores and memory: what the machine has, and how to use all of it. Knows no model."""
