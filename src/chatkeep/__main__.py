"""``python -m chatkeep``: the command line."""

from chatkeep.cli import main

main()
