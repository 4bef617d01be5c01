"""Where settings come from: TOML that people write, JSON that `vigil up` writes, the environment, and files that hold secrets."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec


class SettingsError(Exception):
    """A setting is unknown or has a wrong value; the second line says what to do."""


def toml_of(path: Path) -> dict[str, Any]:
    """A TOML file; nothing where there is none. Raises SettingsError."""
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}\ncorrect that line") from error


def json_of(path: Path) -> dict[str, Any]:
    """A JSON file; nothing where there is none."""
    if not path.exists():
        return {}
    decoded: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    return decoded


def environment(environ: Mapping[str, str]) -> list[tuple[dict[str, Any], str]]:
    """What each VIGIL_SECTION__NAME says, with its name; of VIGIL_SECTION__NAME_FILE what the file holds."""
    layers: list[tuple[dict[str, Any], str]] = []
    for variable, value in sorted(environ.items()):
        if not variable.startswith("VIGIL_") or "__" not in variable:
            continue
        path = variable.removeprefix("VIGIL_").lower().split("__")
        if path[-1].endswith("_file"):
            path[-1] = path[-1].removesuffix("_file")
            layer: Any = Path(value).read_text().strip()
        else:
            layer = value
        for key in reversed(path):
            layer = {key: layer}
        layers.append((layer, variable))
    return layers
