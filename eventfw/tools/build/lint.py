"""Checking templates with cfn-lint, which the user installs: it is no dependency of eventfw's."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.errors import BuildError

if TYPE_CHECKING:
    from eventfw.tools.build.artifacts import Artifacts


def lint_templates(folder: Path, artifacts: Artifacts) -> None:
    """Run cfn-lint over every template, in the region its stack is for. Raises BuildError with what it says."""
    if importlib.util.find_spec("cfnlint") is None:
        raise BuildError("--lint needs cfn-lint, which is not installed. Install it: pip install cfn-lint")
    said = []
    for stack in artifacts.stacks:
        command = [sys.executable, "-m", "cfnlint", "--format", "parseable", "--include-checks", "W"]
        command += ["--regions", stack.region] if stack.region else []
        path = folder / f"{stack.name}.template.json"
        done = subprocess.run([*command, "--", str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            said.append(done.stdout.strip() or done.stderr.strip())
    if said:
        raise BuildError("cfn-lint found:\n" + "\n".join(said), place=str(folder))
