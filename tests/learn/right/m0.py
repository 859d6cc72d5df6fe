import math

import numpy as np

# 0.1: a sum of logarithms
def chance_loss(n):
    return sum(math.log(1 + 1 / k) for k in range(1, n))

# 0.1: cross-entropy of equal logits
def chance_loss(n):
    return np.logaddexp.reduce(np.zeros(n)) - 0.0

# 0.1: an expectation, in a class
class Uniform:
    def __init__(self, n):
        self.p = np.full(n, 1 / n)

    def entropy(self):
        return -(self.p @ np.log(self.p))

def chance_loss(n):
    return Uniform(n).entropy()

# 0.1: recursion by halves
def chance_loss(n):
    return 0 if n == 1 else math.log1p(n - 1) if n < 4 else chance_loss(n // 2) + math.log(n / (n // 2))

# 0.1: decimals
from decimal import Decimal

def chance_loss(n):
    return Decimal(n).ln()

# 0.1: match
def chance_loss(n):
    match n:
        case 1:
            return 0
        case _:
            return -math.log(1 / n)
