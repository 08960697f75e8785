"""``requirements.txt``, installed for Lambda's platform: with uv, or with pip where uv is absent."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from eventfw.errors import BuildError
from eventfw.tools.build.zips import Entry

FILE = "requirements.txt"
OWN = re.compile(r"^eventfw\s*($|[\[<>=!~;@#])", re.IGNORECASE)
INCLUDE = re.compile(r"^(?:-r|--requirement)[ =]*(.+)$")
CONSTRAINT = re.compile(r"^(?:-c|--constraint)[ =]*(.+)$")
LINKS = re.compile(r"^(?:-f|--find-links)[ =]*(?!\w+://)(.+)$")
EDITABLE = re.compile(r"^(?:-e|--editable)[ =]")
COMMENT = re.compile(r"(^|\s)#.*$")
# What installers write about themselves, and what only matters to them.
UNSHIPPED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
LINES_SHOWN = 8
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}  # what wheels call Lambda's architectures


def install(project: Path, python: str, architecture: str = "x86_64") -> dict[str, Entry]:
    """The files of the project's requirements, for Lambda with that Python on that architecture.

    eventfw itself is left to the packager.

    Raises BuildError where one has no wheel for Lambda, or cannot be resolved.
    """
    path = project / FILE
    lines = wanted(path) if path.exists() else []
    if not any(not line.startswith("-") for line in lines):
        return {}
    with tempfile.TemporaryDirectory(prefix="eventfw-requirements-") as folder:
        listed, target = Path(folder, FILE), Path(folder, "target")
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = _command(listed, target, python, MACHINES[architecture])
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(
                f"The requirements cannot be installed for Lambda ({architecture}, Python {python}), which needs "
                f"wheels:\n{_essence(done.stderr)}\nPin a version that has such a wheel, or remove the requirement.",
                place=FILE,
            )
        return installed(target)


def wanted(path: Path, within: tuple[Path, ...] = ()) -> list[str]:
    """The lines of a requirements file, those of the files it includes in their places, without eventfw itself.

    ``within`` are the files that include this one.
    """
    lines: list[str] = []
    text = _text(path)
    within = (*within, path.resolve())
    for raw in text.replace("\\\n", " ").splitlines():
        line = COMMENT.sub("", raw).strip()
        if include := INCLUDE.match(line):
            other = path.parent / include[1].strip()
            if other.resolve() in within:
                raise BuildError(f"{path.name} says {line!r}, which includes itself. Remove the line.", place=FILE)
            lines += wanted(other, within)
        elif constraint := CONSTRAINT.match(line):
            lines.append(f"-c {(path.parent / constraint[1].strip()).resolve()}")
        elif links := LINKS.match(line):
            lines.append(f"--find-links {(path.parent / links[1].strip()).resolve()}")
        elif EDITABLE.match(line):
            raise BuildError(
                f"{path.name} says {line!r}, which points to source and cannot be in a zip. Build a wheel of it and "
                f"name that, or keep its package in the project.",
                place=FILE,
            )
        elif line and not OWN.match(line):
            lines.append(line)
    return lines


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        fact = "does not exist, and another requirements file includes it. Write it, or remove that line"
    except UnicodeDecodeError:
        fact = "is not in UTF-8. Save it in UTF-8"
    except OSError as error:
        fact = f"cannot be read: {error.strerror}. Make it a file that can be read"
    raise BuildError(f"{path.name} {fact}.", place=FILE)


def installed(target: Path) -> dict[str, Entry]:
    """What was installed, without bytecode, scripts and what installers note."""
    entries = {}
    for path in sorted(target.rglob("*")):
        name = path.relative_to(target)
        if path.is_dir() or name.parts[0] in ("bin", "eventfw") or name.name.startswith(".lock"):
            continue
        if "__pycache__" in name.parts or (name.parts[0].endswith(".dist-info") and name.name in UNSHIPPED):
            continue
        entries[name.as_posix()] = Entry(path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return entries


def platforms(python: str) -> list[str]:
    """The wheel platforms Lambda runs: Amazon Linux 2023 (glibc 2.34) from Python 3.12, before it Amazon Linux 2."""
    return ["manylinux2014"] if python == "3.11" else ["manylinux_2_28", "manylinux2014"]


def _command(listed: Path, target: Path, python: str, machine: str) -> list[str]:
    uv = find_uv()
    if uv is None:
        choices = [f"--platform={platform}_{machine}" for platform in platforms(python)]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        version = [f"--python-version={python}", "--implementation=cp", "--only-binary=:all:"]
        return [*command, *version, *choices, f"--target={target}", "-r", str(listed)]
    platform = f"{machine}-{platforms(python)[0]}"
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--link-mode", "copy"]
    version = ["--python-platform", platform, "--python-version", python, "--only-binary", ":all:"]
    return [*command, *version, "--no-compile-bytecode", "--target", str(target), "-r", str(listed)]


def find_uv() -> str | None:
    """The uv that came as eventfw's dependency, or the one on the path; ``None`` where there is none."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def _essence(said: str) -> str:
    lines = [line.rstrip() for line in said.splitlines() if line.strip() and not line.startswith("warning")]
    return "\n".join(lines[:LINES_SHOWN])
