"""`vigil score`: published scores, a request a line on stdin, an answer a line on stdout, in the same order."""

import sys

import click

from scoring.published.answer import answer


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Answers are JSON in any case.")
def command(as_json: bool) -> None:
    """Answers each line {"score": NAME, "inputs": {…}} at once; what cannot be scored is answered with an error on its line."""
    del as_json
    for line in sys.stdin.buffer:
        if line.strip():
            sys.stdout.buffer.write(answer(line) + b"\n")
            sys.stdout.buffer.flush()
