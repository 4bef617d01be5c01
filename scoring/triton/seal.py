"""The seal of a model version: the hash of every file in its folder, so that an altered one is refused before it serves."""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

NAME: Final = "manifest.json"
PAPERS: Final = frozenset({"card.md", "card.json", "config.json", "evaluation.json", "report.json", "report.html"})
"""Tell about the model and take no part in serving: a further evaluation may renew them, and what was signed for stands."""
Why = Literal["unsealed", "altered", "wrong_features"]


class Refused(Exception):
    """This model version may not serve. `reason` is a metric label; the text names files and lists of features, nothing else."""

    def __init__(self, reason: Why, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Manifest(Struct, frozen=True, kw_only=True):
    """`files`: SHA-256 by name, of every file in the folder but this one and PAPERS. `features`: the list it was trained on, empty where it takes none."""

    model: str
    version: str
    features: str
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """What stands for the whole version: it is written down with every sign-off."""
        return sha256(msgspec.json.encode(msgspec.structs.replace(self, files=dict(sorted(self.files.items()))))).hexdigest()


def seal(folder: Path, *, model: str, version: str, features: str) -> Manifest:
    """Hashes what lies in a version's folder and writes the manifest beside it."""
    manifest = Manifest(model=model, version=version, features=features, files=_hashes(folder))
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def version_of(folder: Path) -> str:
    """What the manifest calls the version, whether or not the seal holds; empty where there is none."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest).version
    except (FileNotFoundError, msgspec.DecodeError):
        return ""


def checked(folder: Path, features: str | Collection[str] = "", digest: str = "") -> Manifest:
    """The manifest of a version all of whose files are what they were. Raises Refused.

    `features`: the bedside's list, or lists, where that matters. `digest`: the one that was signed for; a manifest made anew for altered files is another.
    """
    try:
        manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise Refused("unsealed", f"{_named(folder)} has no {NAME}") from error
    except msgspec.DecodeError as error:
        raise Refused("altered", f"{_named(folder)}/{NAME} is no manifest") from error
    found = _hashes(folder)
    odd = sorted(name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name))
    if odd:
        raise Refused("altered", f"{_named(folder)}: {', '.join(odd)} is not what was sealed")
    if digest and digest != manifest.digest:
        raise Refused("altered", f"{_named(folder)} was sealed anew after it was signed for")
    known = sorted({features} if isinstance(features, str) else features)
    if features and manifest.features and manifest.features not in known:
        raise Refused(
            "wrong_features", f"{_named(folder)} was trained on the features {manifest.features}; the bedside has {', '.join(known)}"
        )
    return manifest


def _named(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _hashes(folder: Path) -> dict[str, str]:
    names = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    return {name: sha256((folder / name).read_bytes()).hexdigest() for name in names if name != NAME and name not in PAPERS}
