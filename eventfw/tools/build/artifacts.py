"""Artifacts: what a build makes, in memory and on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eventfw.errors import BuildError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Stack:
    """A CloudFormation stack. ``region`` is ``None`` for the stage's own region."""

    name: str
    region: str | None
    template: dict[str, Any]


@dataclass(frozen=True)
class Asset:
    """A zip, named by its content."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class FunctionRef:
    """Where a function's code is: ``handler`` in the asset with that sha256, deployed by ``stack``."""

    name: str
    handler: str
    asset: str
    stack: str


@dataclass(frozen=True)
class Artifacts:
    """Everything a deployment needs. ``stacks`` are in the order to deploy them in; ``tags`` are for all of them.

    ``local`` is what the local server has to do itself, of a local variant; it is not written.
    """

    app: str
    stage: str
    stacks: list[Stack]
    assets: list[Asset] = field(default_factory=list)
    functions: list[FunctionRef] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)

    def write(self, out: Path) -> None:
        """Write the manifest and the templates into ``out``; the zips must lie in ``out/assets`` already."""
        self._forget_earlier(out)
        stacks = []
        for stack in self.stacks:
            name = f"{stack.name}.template.json"
            (out / name).write_text(document(stack.template), encoding="utf-8")
            stacks.append({"name": stack.name, "region": stack.region, "template": name})
        manifest = {
            "app": self.app,
            "stage": self.stage,
            "stacks": stacks,
            "assets": [
                {"path": f"assets/{asset.sha256}.zip", "sha256": asset.sha256, "bytes": asset.bytes}
                for asset in self.assets
            ],
            "functions": [
                {"name": one.name, "handler": one.handler, "asset": one.asset, "stack": one.stack}
                for one in self.functions
            ],
            "tags": self.tags,
        }
        (out / MANIFEST).write_text(document(manifest), encoding="utf-8")

    def _forget_earlier(self, out: Path) -> None:
        """Make the folder; remove what an earlier manifest in it names and this build did not make, nothing else."""
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BuildError(f"{out} cannot be a folder: {error.strerror}. Choose another with --out.") from None
        made = {asset.path.resolve() for asset in self.assets}
        for path in named_by_manifest(out):
            if path not in made:
                path.unlink(missing_ok=True)

    @classmethod
    def read(cls, out: Path) -> Artifacts:
        """Read what :meth:`write` wrote. Raises BuildError where it is not whole, or names files outside ``out``."""
        try:
            data = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
            stacks = [
                Stack(one["name"], one["region"], json.loads(inside(out, one["template"]).read_text(encoding="utf-8")))
                for one in data["stacks"]
            ]
            assets = [Asset(inside(out, one["path"]), one["sha256"], one["bytes"]) for one in data["assets"]]
            functions = [FunctionRef(**one) for one in data["functions"]]
            return cls(data["app"], data["stage"], stacks, assets, functions, data["tags"])
        except FileNotFoundError as error:
            raise BuildError(f"There are no artifacts: {error.filename} is missing. Run eventfw build.") from None
        except (KeyError, TypeError, ValueError) as error:
            raise BuildError(f"The manifest is not whole ({error!r}). Run eventfw build.", place=MANIFEST) from None


def named_by_manifest(out: Path) -> list[Path]:
    """The files that a manifest in a folder names. Raises BuildError for one that eventfw did not write."""
    try:
        data = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return [inside(out, one["template"]) for one in data["stacks"]] + [
            inside(out, one["path"]) for one in data["assets"]
        ]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, ValueError):
        raise BuildError(
            f"{out} holds a {MANIFEST} that eventfw did not write and would overwrite. Choose another --out."
        ) from None


def inside(folder: Path, name: str) -> Path:
    """A path below ``folder``. Raises BuildError for one that leaves it."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BuildError(f"The manifest names a file outside its folder: {name!r}.", place=MANIFEST)
    return path


def document(data: Any) -> str:
    """JSON whose bytes depend on the data alone."""
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
