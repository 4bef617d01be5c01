"""Named SQL statements from the `.sql` file that lies beside the code that runs them."""

import re
from importlib.resources import files


def statements(package: str, file: str) -> dict[str, str]:
    """The blocks of a file, by the name in their first line `-- name: NAME`. Raises FileNotFoundError where the file is not in the package."""
    text = (files(package) / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\s*$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
