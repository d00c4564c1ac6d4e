"""The mistakes that the properties must see: a file for each family, with its MINIATURES."""

import importlib
import pkgutil

from tests.miniatures import Miniature

FAMILIES = sorted(module.name for module in pkgutil.iter_modules(__path__))
MINIATURES: list[Miniature] = [wrong for family in FAMILIES for wrong in importlib.import_module(f"{__name__}.{family}").MINIATURES]
