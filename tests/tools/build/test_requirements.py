"""requirements.txt, for Lambda's platform: real wheels where there is an index, and wheels in a folder otherwise."""

from __future__ import annotations

import importlib.util
import socket
import zipfile
from pathlib import Path

import pytest

from eventfw.errors import BuildError
from eventfw.tools.build import requirements
from eventfw.tools.build.requirements import install, wanted


def wheel(folder: Path, name: str, *, tag: str = "py3-none-any", requires: str = "") -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + (
        f"Requires-Dist: {requires}\n" * bool(requires)
    )
    with zipfile.ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"FOR = {tag!r}\n")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:FOR\n")
        archive.writestr(f"{info}/RECORD", "")


def project(folder: Path, text: str) -> Path:
    (folder / "requirements.txt").write_text(f"--no-index\n--find-links wheels\n{text}\n")
    return folder


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to install."""
    if request.param == "pip":
        if importlib.util.find_spec("pip") is None:
            pytest.skip("this environment has no pip")
        monkeypatch.setattr(requirements, "find_uv", lambda: None)
    return str(request.param)


def test_what_installers_leave_behind_stays_out(installer: str, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "tiny")
    assert set(install(project(tmp_path, "tiny==1.0  # a comment"), "3.12")) == {
        "tiny.py",
        *(f"tiny-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")),
    }


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_wheel_is_the_one_for_lambda(installer: str, python: str, tmp_path: Path) -> None:
    """Amazon Linux 2, under Python 3.11, has too old a C library for what Amazon Linux 2023 runs."""
    for tag in ("manylinux2014_x86_64", "manylinux_2_28_x86_64", "macosx_11_0_arm64", "win_amd64"):
        wheel(tmp_path / "wheels", "tiny", tag=f"cp{python.replace('.', '')}-none-{tag}")
    data = install(project(tmp_path, "tiny"), python)["tiny.py"].data
    assert (b"manylinux2014" if python == "3.11" else b"manylinux_2_28") in data


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_wheel_is_the_one_for_the_functions_architecture(installer: str, python: str, tmp_path: Path) -> None:
    for tag in ("manylinux2014_x86_64", "manylinux2014_aarch64"):
        wheel(tmp_path / "wheels", "tiny", tag=f"cp{python.replace('.', '')}-none-{tag}")
    project(tmp_path, "tiny")
    assert b"_aarch64" in install(tmp_path, python, "arm64")["tiny.py"].data
    assert b"_x86_64" in install(tmp_path, python, "x86_64")["tiny.py"].data


def test_a_requirement_without_a_wheel_for_the_architecture_is_refused(installer: str, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "tiny", tag="cp312-none-manylinux2014_x86_64")
    with pytest.raises(BuildError, match=r"\(arm64, Python 3\.12\)"):
        install(project(tmp_path, "tiny"), "3.12", "arm64")


def test_a_wheel_for_another_system_only_is_refused(installer: str, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "tiny", tag="cp312-none-macosx_11_0_arm64")
    with pytest.raises(BuildError, match=r"(?s)^requirements.txt: .*Python 3\.12.*tiny.*Pin a version"):
        install(project(tmp_path, "tiny"), "3.12")


@pytest.mark.parametrize("line", ["eventfw", "eventfw>=0.1", "eventfw[test] == 0.1.0", "EventFW @ file:///nowhere"])
def test_eventfw_itself_is_not_installed(line: str, tmp_path: Path) -> None:
    assert install(project(tmp_path, line), "3.12") == {}


def test_included_files_are_read_and_find_links_is_taken_from_their_folder(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "tiny")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("--no-index\n--find-links ../wheels\neventfw\ntiny\n-c only.txt\n")
    (tmp_path / "more" / "only.txt").write_text("tiny==1.0\n")
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\n")
    assert "tiny.py" in install(tmp_path, "3.12")


def test_hashes_on_lines_of_their_own_belong_to_the_requirement(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n# b\n\nc==2\n")
    assert [line.split() for line in wanted(tmp_path / "requirements.txt")] == [
        ["a==1", "--hash=sha256:00", "--hash=sha256:11"],
        ["c==2"],
    ]


@pytest.mark.parametrize("line", ["-e .", "--editable=../shop"])
def test_an_editable_requirement_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="Build a wheel"):
        install(project(tmp_path, line), "3.12")


def test_a_requirements_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes("idna==3.7\n".encode("utf-16"))
    with pytest.raises(BuildError, match=r"^requirements\.txt: .*Save it in UTF-8"):
        wanted(path)
    path.write_text("-r requirements.txt\n")
    with pytest.raises(BuildError, match=r"'-r requirements\.txt', which includes itself"):
        wanted(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BuildError, match="cannot be read: Is a directory"):
        wanted(path)


def test_no_requirements_install_nothing(tmp_path: Path) -> None:
    assert install(tmp_path, "3.12") == {}


def index_answers() -> bool:
    try:
        socket.create_connection(("pypi.org", 443), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_pure_and_a_compiled_package_from_the_index(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("idna==3.7\nmarkupsafe==3.0.2\n")
    try:
        made = install(tmp_path, "3.12")
    except BuildError:
        if index_answers():
            raise
        pytest.skip("no package index can be reached")
    assert {"idna/core.py", "markupsafe/_speedups.cpython-312-x86_64-linux-gnu.so"} <= set(made)
    assert made == install(tmp_path, "3.12")
    assert not any(name.endswith(("RECORD", ".pyc")) for name in made)
