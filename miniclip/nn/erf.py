"""The error function, which NumPy lacks."""

import numpy as np

# Rational approximations of the error function (Cody 1969, Math. Comp. 23; the coefficients are those of the Cephes
# library, ndtr.c): |x| < 1 and |x| >= 1, highest power first, absolute error below 2e-16.
_ERF = (
    (9.60497373987051638749, 90.0260197203842689217, 2232.00534594684319226, 7003.32514112805075473,
     55592.3013010394962768),
    (1.0, 33.5617141647503099647, 521.357949780152679795, 4594.32382970980127987, 22629.0000613890934246,
     49267.3942608635921086),
)  # fmt: skip
_ERFC = (
    (2.46196981473530512524e-10, 0.564189564831068821977, 7.46321056442269912687, 48.6371970985681366614,
     196.520832956077098242, 526.445194995477358631, 934.528527171957607540, 1027.55188689515710272,
     557.535335369399327526),
    (1.0, 13.2281951154744992508, 86.7072140885989742329, 354.937778887819891062, 975.708501743205489753,
     1823.90916687909736289, 2246.33760818710981792, 1656.66309194161350182, 557.535340817727675546),
)  # fmt: skip


def polynomial(x, coefficients):
    """Horner's rule, highest power first; the coefficients are Python floats, so x keeps its dtype."""
    y = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        y *= x
        y += coefficient
    return y


def erf(x):
    """2/sqrt(pi) * integral of exp(-t^2) from 0 to x, of any shape."""
    inner, outer = np.clip(x, -1.0, 1.0), np.clip(np.abs(x), 1.0, 6.0)  # erf is 1 to the last digit beyond 6
    small = inner * polynomial(inner * inner, _ERF[0]) / polynomial(inner * inner, _ERF[1])
    large = 1.0 - np.exp(-outer * outer) * polynomial(outer, _ERFC[0]) / polynomial(outer, _ERFC[1])
    return np.where(np.abs(x) < 1.0, small, np.copysign(large, x))
