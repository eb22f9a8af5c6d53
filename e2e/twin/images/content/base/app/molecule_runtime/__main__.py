"""``python3 -m molecule_runtime``: what the entrypoint execs."""

import os

from molecule_runtime.main import main

# Not SystemExit: requests may still be at work in their threads, and an interpreter that shuts down under them can
# abort. Every line was flushed when it was printed.
os._exit(main())
