"""Where `twin.operation` was before 0.2.0, for the algorithms of others."""

import warnings

from twin.operation import *  # noqa: F403 - every name that was here

warnings.warn("twin.algorithms.operation has become twin.operation", DeprecationWarning, stacklevel=2)
