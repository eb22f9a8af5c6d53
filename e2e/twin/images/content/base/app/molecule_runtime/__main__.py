"""``python3 -m molecule_runtime``: what the entrypoint execs."""

from molecule_runtime.main import main

raise SystemExit(main())
