"""``python -m laneway.faces.mock``."""

from laneway.faces.mock import main

main()
