"""The table of tolerances, test/lib/Tolerances.def, as a dictionary."""
import os
import re

_TEXT = open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "Tolerances.def"), encoding="utf-8").read()
TOLERANCES = {name: float(value) for name, value in re.findall(r"^QUOIN_TOLERANCE\((\w+), ([0-9.e-]+),", _TEXT, re.M)}
