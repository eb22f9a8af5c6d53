"""What the runtime checks before it starts; it prints only what is wrong, and a warning never stops a boot."""

from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["print_model_credentials", "print_preflight"]


def print_preflight(folder: Path, prompt_files: Iterable[str], print_line: Callable[[str], None]) -> None:
    """Print a warning for every prompt file that ``folder`` lacks; nothing at all when all are there."""
    missing = [name for name in prompt_files if not (folder / name).exists()]
    if missing:
        print_line("Preflight checks:")
    for name in missing:
        print_line(f"[WARN] Prompt file: Missing prompt file: {name}")
        print_line("  Fix: Add the file or remove it from prompt_files.")


def print_model_credentials(has_token: bool, print_line: Callable[[str], None]) -> None:
    """Print whether the model's credential is in the environment; never the credential."""
    print_line("llm-auth: detected unknown" if has_token else "llm-auth: no ANTHROPIC_AUTH_TOKEN set")
