"""Ball arithmetic for oracles: a NumPy function run on `Bounded` arrays returns what rounding can explain, and nothing else.

formats      which numbers exist                 elementwise, reductions, products, movement, doubtful   the rules
arithmetic   what a backend promises             overflow   infinities, NaN and what may become them
ball         value ± error                       judge, sets   which results are accepted
kept         what tables and fixed point keep
means        means whose weights are balls; functions read off a table
"""

from .arithmetic import TABLE, Accuracy, Arithmetic, Split, any_order, cascade, ieee
from .ball import Bounded, constant, entering, exact
from .doubtful import Doubtful
from .elementwise import as_input, erf, erfc
from .formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, FORMATS, INTEGERS, TF32, Format, Integers
from .kept import anything_where, fixed, kept, limited, tabulated, truncated
from .means import interpolated, weighted_mean
from .movement import blurred, coarse, stepwise, stored
from .products import contract, weighted
from .reductions import add_at
from .sets import Between, Exactly, OneOf

__all__ = [
    "BFLOAT16",
    "FLOAT16",
    "FLOAT32",
    "FLOAT64",
    "FORMATS",
    "INTEGERS",
    "TABLE",
    "TF32",
    "Accuracy",
    "Arithmetic",
    "Between",
    "Bounded",
    "Doubtful",
    "Exactly",
    "Format",
    "Integers",
    "OneOf",
    "Split",
    "add_at",
    "any_order",
    "anything_where",
    "as_input",
    "blurred",
    "cascade",
    "coarse",
    "constant",
    "contract",
    "entering",
    "erf",
    "erfc",
    "exact",
    "fixed",
    "ieee",
    "interpolated",
    "kept",
    "limited",
    "stepwise",
    "stored",
    "tabulated",
    "truncated",
    "weighted",
    "weighted_mean",
]
