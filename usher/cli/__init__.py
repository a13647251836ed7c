"""The command line. `main` is the program `usher`; each command group is a file of this package."""


def main() -> None:
    """Run the command line."""
    from usher.cli.app import app  # noqa: PLC0415  so that importing one group does not import all

    app()
