"""Every code block of the documentation is run, and every option, property and command has its line."""

from __future__ import annotations

import configparser
import importlib
import inspect
import json
import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from docs_bench import ROOT, Bench, Block, Interpreter, Server, blocks, commands, matches, pages
from templates import every

from eventfw.app import App
from eventfw.events import Event
from eventfw.function import Settings
from eventfw.resources.bucket import Bucket
from eventfw.resources.queue import Queue
from eventfw.sources.table import RESOURCES, SOURCES, load
from eventfw.tools.cli.main import COMMANDS
from eventfw.tools.new import new
from eventfw.tools.project import Config, Stage, load_config

DOCS = ROOT / "docs"
LANGUAGES = {"python", "console", "toml", "json"}
NEEDS_SERVER = re.compile(r"127\.0\.0\.1|^\$ (?:.*\| )?eventfw (?:local|clock|invoke|send|replay)", re.MULTILINE)
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)

pytestmark = pytest.mark.xdist_group("docs")


def identify(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """The starter app on a local server, with its folder."""
    folder = tmp_path_factory.mktemp("served")
    bench = Bench(folder / "gallery", folder / "bin")
    new("gallery", bench.folder)
    (bench.folder / "cat.png").write_bytes(PNG)
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [str(bench.bin / "eventfw"), "local", "--port", "0", "--json"],
            cwd=bench.folder,
            env=bench.environment,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    assert process.stdout
    try:
        first = process.stdout.readline()
        assert first, log.read_text()
        yield Server(json.loads(first), announced(log)), bench.folder
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def announced(log: Path) -> str:
    """What the server says until it is ready."""
    deadline = time.monotonic() + 30
    while "Ctrl-C" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    said = log.read_text()
    begin = said.index("Serving")  # where the embedded AWS is new to the machine, it says so before
    return said[begin : said.index("\n", said.index("Ctrl-C")) + 1]


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    """What runs the pages' Python."""
    made = Interpreter()
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path, interpreter: Interpreter) -> Bench:
    """A fresh starter project."""
    new("gallery", tmp_path / "gallery")
    return Bench(tmp_path / "gallery", tmp_path / "bin", interpreter=interpreter)


@pytest.fixture
def served(server: tuple[Server, Path], tmp_path: Path) -> Bench:
    """The project of the local server, with an empty bucket."""
    found, folder = server
    s3 = boto3.client(
        "s3",
        endpoint_url=found.addresses["aws"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    for entry in s3.list_objects_v2(Bucket="uploads").get("Contents", []):
        s3.delete_object(Bucket="uploads", Key=entry["Key"])
    return Bench(folder, tmp_path / "bin", found)


@pytest.mark.parametrize("page", pages(), ids=identify)
def test_the_blocks_of_a_page_do_what_it_says(page: Path, request: pytest.FixtureRequest) -> None:
    found = blocks(page)
    unknown = [block.place for block in found if block.language not in LANGUAGES]
    assert not unknown, f"nothing checks these blocks; write python, console, toml or json: {', '.join(unknown)}"
    if not found:
        return
    fresh: Bench = request.getfixturevalue("bench")
    fresh.python([block for block in found if block.language == "python"])
    for block in found:
        if block.language == "console" and NEEDS_SERVER.search(block.text):
            request.getfixturevalue("served").console(block)
        elif block.language == "console":
            fresh.console(block)
        elif block.language == "toml":
            (fresh.folder / "eventfw.toml").write_text(block.text)
            load_config(fresh.folder)
        elif block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize("page", pages(), ids=identify)
def test_every_fence_of_a_page_is_read(page: Path) -> None:
    text = page.read_text()
    assert text.count("```") == 2 * len(blocks(page))
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\n\n(?: {4}|\t).*", prose), "an indented block is run by nothing; fence it"


@pytest.mark.parametrize("page", pages(), ids=identify)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}, target


def parameters(of: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(of).parameters if name != "self"]


def public(event: type) -> set[str]:
    """The names a handler can read off its event."""
    own = {name for cls in event.__mro__ if cls not in (object, Event) for name in vars(cls)}
    return {name for name in own if not name.startswith("_")} - {"summary"}


def unsaid(page: Path, names: set[str] | list[str]) -> list[str]:
    """Names that stand in no `code` of the page's prose and tables."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    code = " ".join(re.findall(r"`([^`]+)`", prose))
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", code)]


def page_of(decorator: str) -> Path:
    """The page of a source, which is called like its file and may tell of several decorators."""
    return DOCS / "sources" / f"{SOURCES[decorator][0].rpartition('.')[2]}.md"


@pytest.mark.parametrize("decorator", sorted(SOURCES))
def test_a_sources_page_names_every_option_and_property(decorator: str) -> None:
    page = page_of(decorator)
    module = importlib.import_module("eventfw")
    _, _, *events = SOURCES[decorator]
    assert unsaid(page, [f"@app.{decorator}"]) == []
    assert unsaid(page, parameters(load(SOURCES[decorator]))) == []
    for name in events:
        assert unsaid(page, {name, *public(getattr(module, name))}) == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("sources/function.md", parameters(Settings)),
        ("blueprints.md", parameters(App.mount)),
        ("resources.md", [*parameters(Bucket), *parameters(Queue), *(f"app.{name}" for name in RESOURCES)]),
        ("configuration.md", [*Config.__dataclass_fields__.keys() - {"stages", "exclude"}, "build.exclude"]),
        ("configuration.md", [f"stages.NAME.{name}" for name in Stage.__dataclass_fields__ if name != "name"]),
    ],
)
def test_a_page_names_every_option(page: str, names: list[str]) -> None:
    assert unsaid(DOCS / page, names) == []


ON_PAGES = {page.stem: page for page in (DOCS / "resources").glob("*.md")}  # others are told of where they are used


@pytest.mark.parametrize("method", [name for name, row in RESOURCES.items() if row[0].rpartition(".")[2] in ON_PAGES])
def test_a_resources_page_names_every_option_and_grant(method: str) -> None:
    cls = load(RESOURCES[method])
    page = ON_PAGES[RESOURCES[method][0].rpartition(".")[2]]
    grants = [name for name, value in vars(cls).items() if "-> Grant" in f"-> {return_of(value)}"]
    assert unsaid(page, [f"app.{method}", *parameters(cls), *grants]) == []
    assert "https://docs.aws.amazon.com/" in (cls.__doc__ or "")


CREATED = r"`(\w+)` \(`(AWS::[\w:]+)`\)"


@pytest.mark.parametrize(
    "page", [one for one in ON_PAGES.values() if re.search(CREATED, one.read_text())], ids=identify
)
def test_what_a_resources_page_says_is_created_is_in_the_template(page: Path) -> None:
    made = created(page)
    said = re.findall(CREATED, page.read_text())
    for logical_id, type_ in said:
        assert made.get(logical_id) == type_, logical_id


def return_of(value: object) -> object:
    """What a property or a method returns, as it is annotated."""
    function = value.fget if isinstance(value, property) else value
    return getattr(function, "__annotations__", {}).get("return", "")


def created(page: Path) -> dict[str, str]:
    """What the templates of a page's first example have: the type of each resource, and ``output``, by logical id."""
    example = next(block for block in blocks(page) if block.language == "python")
    space: dict[str, Any] = {"__name__": "page"}
    exec(compile("\n" * example.line + example.text, str(page), "exec", dont_inherit=True), space)
    made: dict[str, str] = {}
    for template in every(next(value for value in space.values() if isinstance(value, App))):
        made |= dict.fromkeys(template.get("Outputs", {}), "output")
        made |= {name: resource["Type"] for name, resource in template["Resources"].items()}
    return made


@pytest.mark.parametrize("page", sorted((DOCS / "sources").glob("*.md")), ids=identify)
def test_what_a_sources_page_says_is_created_is_in_the_template(page: Path) -> None:
    made = created(page)
    section = page.read_text().partition("## What is created")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:3] for row in section.splitlines() if row.startswith("| `")]
    assert rows
    for ids, said in rows:
        names, types = re.findall(r"`(\w+(?:<hash>)?)`", ids), re.findall(r"`(AWS::[\w:]+)`", said)
        for name in names:
            pattern = re.compile(name.replace("<hash>", "[0-9a-f]{8}"))
            found = [type_ for logical_id, type_ in made.items() if pattern.fullmatch(logical_id)]
            assert found, f"{name} is not among {', '.join(sorted(made))}"
            assert len(names) > 1 or not types or found == types, name
    for name in re.findall(r"output `(\w+)`", section):
        assert made.get(name) == "output", name


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_page_names_every_option_and_no_other(command: str) -> None:
    page = DOCS / "commands" / f"{command}.md"
    found = importlib.import_module(f"eventfw.tools.cli.{command}").command
    options = {name for parameter in found.params for name in parameter.opts if name.startswith("-")}
    assert unsaid(page, options) == []
    table = [
        line.partition("|")[2].partition("|")[0] for line in page.read_text().splitlines() if line.startswith("| `-")
    ]
    assert set(re.findall(r"(?<![\w-])--?[\w-]+", " ".join(table))) <= options


def test_every_source_and_command_is_in_the_index() -> None:
    text = (DOCS / "index.md").read_text()
    named = dict(re.findall(r"\[`@app\.(\w+)`\]\(sources/(\w+)\.md\)", text))
    assert named == {name: page_of(name).stem for name in SOURCES} | {"function": "function"}
    assert {page.stem for page in (DOCS / "sources").glob("*.md")} == set(named.values())
    assert set(re.findall(r"\]\(commands/(\w+)\.md\)", text)) == set(COMMANDS)
    assert {page.stem for page in (DOCS / "commands").glob("*.md")} == set(COMMANDS)


def test_the_scripts_in_the_readme_are_there() -> None:
    named = set(re.findall(r"`(scripts/\w+)`", (ROOT / "README.md").read_text()))
    assert named == {"scripts/demo", "scripts/test"}
    assert all(os.access(ROOT / name, os.X_OK) for name in named)


def test_the_dependencies_page_lists_what_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = (DOCS / "dependencies.md").read_text()
    names = [re.split(r"[><=;\[\s]", line)[0] for line in config["options"]["install_requires"].split("\n") if line]
    table = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    assert sorted(name for row in table[1:] for name in row.split(", ")) == sorted(names)
    tests = [re.split(r"[><=;\[\s]", line)[0] for line in config["options.extras_require"]["test"].split("\n") if line]
    assert [name for name in tests if name not in text] == []


@pytest.mark.parametrize(
    ("expected", "said", "right"),
    [
        ("a\n...\nc\n", "a\nb\nb\nc", True),
        ("a\n...\nc\n", "a\nc", True),
        ("a...c\n", "a\nb\nc", False),
        ("a\n", "b\n", False),
        ("ran in 3 ms\n", "ran in 17.5 ms\n", True),
        ("ran\n", "ran on\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_output_is_compared_to_the_letter_but_for_three_dots(expected: str, said: str, right: bool) -> None:
    assert matches(expected, said) is right


def test_a_wrong_command_an_unexpected_failure_and_wrong_output_are_noticed(bench: Bench) -> None:
    for text in ("$ eventfw lisst\n...\n", "$ false\n", "$ echo one\ntwo\n"):
        with pytest.raises(AssertionError):
            bench.console(Block(DOCS / "index.md", 1, "console", text))
    assert commands(Block(DOCS / "index.md", 1, "console", "$ a\nb\n$ c\n")) == [("a", "b\n"), ("c", "")]


def test_a_wrong_python_block_is_noticed(bench: Bench) -> None:
    with pytest.raises(AssertionError, match=r"index.md\", line 8"):
        bench.python([Block(DOCS / "index.md", 7, "python", "assert False\n")])
