"""Checking templates with cfn-lint, which the user installs: it is no dependency of eventfw's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.errors import BuildError

if TYPE_CHECKING:
    from eventfw.tools.build.artifacts import Artifacts


def lint_templates(folder: Path, artifacts: Artifacts) -> None:
    """Run cfn-lint over every template that was written. Raises BuildError with all it says, warnings included."""
    try:
        from cfnlint.api import lint_file
        from cfnlint.config import ManualArgs
    except ModuleNotFoundError:
        raise BuildError("--lint needs cfn-lint, which is not installed. Install it: pip install cfn-lint") from None

    said = []
    for stack in artifacts.stacks:
        path = folder / f"{stack.name}.template.json"
        config = ManualArgs(regions=[stack.region]) if stack.region else ManualArgs()
        said += [
            f"{path.name}:{match.linenumber}: {match.rule.id} {match.message}" for match in lint_file(path, config)
        ]
    if said:
        raise BuildError("cfn-lint found:\n" + "\n".join(said), place=str(folder))
