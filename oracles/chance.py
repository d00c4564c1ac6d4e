"""Counts of independent events."""

from __future__ import annotations

import math


def binomial_range(trials: int, probability: float, alarm: float) -> tuple[int, int]:
    """The counts that `trials` independent events of one probability leave with a chance of at most `alarm`.

    P(count ≥ k) and P(count ≤ k) are at most exp(−n·D(k/n ‖ p)), D the relative entropy of two coins; each side gets half of `alarm`.

    → (least, most). Source: Hoeffding 1963, Theorem 1 (Chernoff's bound).
    """
    if trials == 0 or probability in (0.0, 1.0):
        return round(trials * probability), round(trials * probability)
    limit = math.log(2 / alarm) / trials

    def entropy(share: float) -> float:
        terms = ((share, probability), (1 - share, 1 - probability))
        return sum(a * math.log(a / b) for a, b in terms if a > 0)

    def furthest(inside: int, outside: int) -> int:
        while abs(outside - inside) > 1:
            middle = (inside + outside) // 2
            inside, outside = (middle, outside) if entropy(middle / trials) <= limit else (inside, middle)
        return inside

    mean = round(trials * probability)
    return furthest(mean, -1), furthest(mean, trials + 1)
