"""A new project, rendered from the starter app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import eventfw
from eventfw.errors import EventfwError, ProjectError
from eventfw.rules.settings import PYTHONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST = 23  # characters: S3's 63, less "-dev-uploads-", the account and the longest region's name
TEMPLATE = "app_template"


def new(name: str, directory: Path) -> list[Path]:
    """Write a project called ``name`` into ``directory`` and return its files, relative to it.

    The directory may be there already if it is empty. Everything is rendered before the first file is written, and
    nothing is written where that fails. Raises ProjectError for a name that AWS would refuse, and for a directory that
    holds something or cannot be written.
    """
    check_name(name)
    files = render(template_folder(), {"name": name, "python": runtime()})
    check_vacant(directory)
    try:
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"The project cannot be written: {error}. Choose another --directory.") from None
    return list(files)


def check_name(name: str) -> None:
    """Refuse a name that an App, or the bucket of the starter, cannot have; suggest one near it."""
    fine = name.isascii() and name == name.lower() and name.replace("-", "").isalnum() and name[:1].isalpha()
    if fine and not name.endswith("-") and len(name) <= LONGEST:
        return
    near = suggestion(name)
    hint = f" Try {near!r}." if near else ""
    raise ProjectError(
        f"NAME must be 1 to {LONGEST} lower-case letters, digits and hyphens, a letter first and no hyphen last, "
        f"because the names in AWS begin with it; not {name!r}.{hint}"
    )


def suggestion(name: str) -> str:
    """The nearest name that would do; ``""`` where nothing of it can stay."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in Path(name).name.lower())
    words = "-".join(word for word in kept.split("-") if word)
    return words.lstrip("0123456789-")[:LONGEST].rstrip("-")


def check_vacant(directory: Path) -> None:
    """Refuse a directory that has something in it, so that nothing of the user's is ever written over."""
    if directory.exists() and not directory.is_dir():
        raise ProjectError(f"{directory} is a file. Choose another --directory.")
    if directory.is_dir() and any(directory.iterdir()):
        raise ProjectError(f"{directory} is not empty. Choose another --directory, or empty it.")


def runtime() -> str:
    """The Lambda runtime to begin with: this interpreter's minor, or the newest one where Lambda lacks that."""
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    return minor if minor in PYTHONS else PYTHONS[-1]


def template_folder() -> Path:
    """The starter app: beside this file in an installation, at the root of the repository in a checkout."""
    installed = Path(__file__).parent / TEMPLATE
    return installed if installed.is_dir() else Path(eventfw.__file__).parents[1] / TEMPLATE


def render(template: Path, values: Mapping[str, str]) -> dict[Path, str]:
    """The template's files with ``{{ name }}`` and the like filled in, by relative path.

    Nothing is escaped, as these are no HTML pages. A value that is missing is an error, not an empty space.
    """
    import jinja2

    loader = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    found: dict[Path, str] = {}
    for path in template_files(template):
        try:
            text = path.read_text(encoding="utf-8")
            found[path.relative_to(template)] = loader.from_string(text).render(values)
        except (jinja2.TemplateError, ValueError) as error:
            raise EventfwError(f"The starter app cannot be rendered: {error}.", place=str(path)) from None
    if not found:
        raise EventfwError(f"The starter app is missing from {template}. Install eventfw again.")
    return found


def template_files(template: Path) -> Iterator[Path]:
    """Its files, sorted; installers leave compiled Python among them, which is not part of it."""
    for path in sorted(template.rglob("*")):
        if path.is_file() and "__pycache__" not in path.relative_to(template).parts:
            yield path
