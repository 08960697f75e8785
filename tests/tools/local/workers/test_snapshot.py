"""Workers run the app that was loaded, whatever is saved while they are made."""

from __future__ import annotations

import asyncio
from pathlib import Path

from eventfw.tools.local.workers.pool import Pool
from eventfw.tools.local.workers.snapshot import Snapshot

from .test_pool import call, run, write

PART = "VERSION = {}\n"


def test_a_file_that_is_not_the_one_that_was_loaded_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "part.py"
    path.write_bytes(b"# -*- coding: latin-1 -*-\nNAME = '\xe9'\r\n")
    saved = path.stat().st_mtime_ns
    found = Snapshot({"part": str(path)}, {"part": saved})
    assert found.exact
    assert found.sources["part"] == (str(path), path.read_bytes().decode("latin-1"), saved)
    for files, times in (({"part": str(path)}, {"part": saved - 1}), ({"gone": str(tmp_path / "gone.py")}, {})):
        found = Snapshot(files, times)
        assert (found.exact, found.sources) == (False, {})


def test_a_save_while_a_worker_is_made_changes_nothing_for_it(tmp_path: Path) -> None:
    write(tmp_path, PART.format(1), name="part.py", head="")
    write(
        tmp_path,
        """
        time.sleep(0.3)
        import part

        @app.function()
        def version(event):
            return part.VERSION
        """,
    )

    async def test(pool: Pool) -> None:
        making = asyncio.create_task(call(pool, "version"))
        await asyncio.sleep(0.1)
        write(tmp_path, "VERSION = = 2\n", name="part.py", head="")
        assert await making == 1

    run(tmp_path, test)


def test_an_app_that_is_saved_while_it_is_loaded_is_loaded_again(tmp_path: Path) -> None:
    write(tmp_path, PART.format(1), name="part.py", head="")
    write(
        tmp_path,
        """
        import part

        with open("part.py", "w") as file:
            file.write("VERSION = 2")

        @app.function("api")
        def version(event):
            return part.VERSION
        """,
    )

    async def test(pool: Pool) -> None:
        assert await call(pool, "api") == 2

    run(tmp_path, test)


def test_modules_of_another_encoding_and_a_packages_files_are_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "__init__.py").write_bytes("# -*- coding: latin-1 -*-\nWORD = 'né'\n".encode("latin-1"))
    (tmp_path / "words" / "more.txt").write_text("more")
    write(
        tmp_path,
        """
        from importlib.resources import files
        import words

        @app.function()
        def word(event):
            return [words.WORD, files(words).joinpath("more.txt").read_text()]
        """,
    )

    async def test(pool: Pool) -> None:
        assert await call(pool, "word") == ["né", "more"]

    run(tmp_path, test)
