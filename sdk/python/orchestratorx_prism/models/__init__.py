"""The messages as typed dataclasses (betterproto2), for application code: the extra `models`.

They read and write the same bytes as `orchestratorx_prism.v1`; they are not quick, and nothing in the SDK uses them.
Written by scripts/generate.py; do not edit.
"""

from .orchestratorx_prism.v1 import *  # noqa: F403
