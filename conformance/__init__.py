"""A property-based conformance suite for the CNN stack: is it a bug, or is it rounding?"""

__version__ = "0.1.0"
