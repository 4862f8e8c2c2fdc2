"""`netreg derive`: the product's judgement in bulk, from a file or standard input."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from registry.clinical import bulk


@click.command()
@click.argument("kind", type=click.Choice(sorted(bulk.KINDS)))
@click.argument("file", type=click.File("rb"), default="-")
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def derive(kind: str, file: BinaryIO, output: Path | None) -> None:
    """Derive KIND for each row of FILE (CSV; standard input by default).

    All input columns are written, then the derived ones and `error`. A row that cannot be read is
    answered in its own `error` column. Exit status 1 if there was any.
    """
    with ExitStack() as stack:
        target: BinaryIO = sys.stdout.buffer
        if output is not None:
            target = stack.enter_context(output.open("wb"))
        failed = bulk.derive_stream(kind, file, target)
        target.flush()
    if failed:
        sys.exit(1)
