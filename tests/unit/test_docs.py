"""What the pages say stands: commands, options, settings, files and statuses are those of the program."""

import re
from typing import Any, get_args

import pytest
import typer.main
from typer.core import TyperGroup

from config.sections import GateLimits, PlatformSettings
from config.settings import Settings
from gateway.presence import messages, seating
from tests.support import e2e_guides as docs
from tests.support.e2e_guides import PAGES, ROOT
from usher.cli.app import app
from usher.cli.exits import Exit

EVERY_PAGE = (
    *PAGES,
    "ARCHITECTURE.md",
    *sorted(f"docs/{path.relative_to(ROOT / 'docs')}" for path in ROOT.glob("docs/*.md")),
)
TESTED_LANGUAGES = {"sh", "http", "js"}
MAKE_VARIABLES = {"ARGS", "PYTHON"}


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that `usher …` calls, and what is given to it."""
    program, *rest = words
    assert program == "usher"
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        name, *rest = rest
        command = command.get_command(None, name)
        assert command is not None, f"there is no command {' '.join(words)}"
    return command, rest


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")} | {"--help"}


def leaves(command: Any) -> list[Any]:
    if not isinstance(command, TyperGroup):
        return [command]
    below = (command.get_command(None, name) for name in command.list_commands(None))
    return [leaf for one in below if not one.hidden for leaf in leaves(one)]


def keys_of(section: str) -> set[str]:
    """The keys of a section of the settings, which may be optional."""
    kind = Settings.model_fields[section].annotation
    return {key for model in get_args(kind) or (kind,) for key in getattr(model, "model_fields", ())}


def test_no_example_is_of_a_kind_that_nothing_checks():
    assert {fence.language for name in PAGES for fence in docs.fences(name)} <= TESTED_LANGUAGES


@pytest.mark.parametrize("name", PAGES)
def test_every_command_line_is_one_that_the_program_takes(name):
    for words in docs.commands(name):
        assert words[0] in {"usher", "make"}
        if words[0] == "usher":
            command, given = command_of(words)
            command.make_context(words[-1], given)  # raises for whatever the command would refuse


def test_a_command_line_with_an_option_that_is_gone_would_be_noticed():
    command, given = command_of(["usher", "init", "--purse", "full"])
    with pytest.raises(Exception, match="No such option: --purse"):
        command.make_context("init", given)


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_command_within_the_text_is_there_with_its_options(name):
    for words in docs.spoken_commands(name):
        command, given = command_of(words)
        assert {word.partition("=")[0] for word in given if word.startswith("--")} <= options_of(command)


def test_options_that_stand_alone_belong_to_a_command_of_their_page():
    for name in PAGES:
        spoken = [
            command_of(words)[0] for words in docs.spoken_commands(name) + docs.commands(name) if words[0] != "make"
        ]
        known = {option for command in spoken for option in options_of(command)}
        assert {span.split()[0] for span in docs.spans(name) if span.startswith("--")} <= known


def test_every_command_explains_itself_and_prints_json():
    for command in leaves(typer.main.get_command(app)):
        assert {"--help", "--json"} <= options_of(command), command.name


def test_every_make_target_is_there():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    said = [words for name in PAGES for words in docs.commands(name) if words[0] == "make"]
    said += [span.split() for name in EVERY_PAGE for span in docs.spans(name) if span.startswith("make ")]
    assert {words[1] for words in said} <= targets
    assert set(re.findall(r"ARGS=(--\w+)", docs.page("README.md"))) == {"--once"}
    assert "$(ARGS)" in makefile


def test_every_setting_that_is_named_is_one():
    for name in PAGES:
        for span in docs.spans(name):
            first, _, rest = span.partition(".")
            if first in Settings.model_fields and rest:
                assert rest in keys_of(first), span


def test_every_variable_that_is_named_is_a_setting():
    named = {variable for name in PAGES for variable in re.findall(r"USHER_(\w+?)=", docs.page(name))}
    for variable in named - {"SEED"}:  # of the tests' own
        section, _, key = variable.lower().partition("__")
        assert key in keys_of(section), variable


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_file_that_is_named_or_linked_is_there(name):
    here = (ROOT / name).parent
    missing = [link for link in docs.links(name) if not (here / link).exists()]
    rooms = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir())
    missing += [span for span in docs.spans(name) if span.startswith(rooms) and not any(ROOT.glob(span.rstrip("/")))]
    assert missing == []


def test_the_exit_statuses_are_those_of_the_program():
    [told] = re.findall(r"exit statuses are ([^.]*)\.", docs.page("docs/guides/operator.md"))
    assert [int(part.split()[0]) for part in told.split(", ")] == list(Exit)


def test_the_numbers_that_the_guides_tell_are_the_defaults():
    limits, platform = GateLimits(), PlatformSettings(domains=("house.test",))
    assert f"({platform.commission_bps // 100} % by default" in docs.page("docs/guides/creator.md")
    presence = " ".join(docs.page("docs/guides/page-builder.md").split())
    assert f"says nothing for {limits.silence_seconds} seconds" in presence
    signals = limits.messages_per_second * seating.SIGNALS_FOR_A_MESSAGE
    assert f"{limits.messages_per_second} messages a second and, beside them, {signals} signals" in presence
    assert f"a `signal` has {messages.MAX_SIGNAL_BYTES // 1024} KiB at most" in presence
    assert f"a `state` {messages.MAX_STATE_BYTES // 1024} KiB" in presence
    assert f"{messages.MAX_DEPTH} lists and objects" in presence
    assert f"{seating.BYTES_PER_SECOND // 1024} KiB a second, {seating.BYTES_AT_ONCE // 1024} KiB at once" in presence
