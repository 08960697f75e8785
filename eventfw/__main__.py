"""``python -m eventfw``: the command line."""

from eventfw.tools.cli.main import main

main()
