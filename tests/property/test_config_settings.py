"""Invariant: whatever stands in usher.toml and the environment, loading gives Settings or a SettingsError that names a
place and repeats no secret; nothing else is raised."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from config.lines import key_lines
from config.settings import Settings, SettingsError, load_settings
from tests.support.config_files import TEXT

LINES = TEXT.splitlines()
KEYS = [line.partition(" = ")[0] for line in LINES if " = " in line]

values = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=True).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.text(st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters='"\\')).map('"{}"'.format),
    st.sampled_from(["[]", "{}", "[[]]", "[{}]", '["", 1]', "{ a = { b = [] } }", "1979-05-27T07:32:00Z", "inf"]),
)


@st.composite
def damaged_files(draw):
    """The right file with some lines lost, doubled, moved or given another value."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["lose", "double", "value", "add", "junk"])):
            case "lose":
                del lines[place]
            case "double":
                lines.insert(place, lines[place])
            case "value":
                key, separator, _ = lines[place].partition(" = ")
                lines[place] = f"{key}{separator}{draw(values)}" if separator else lines[place]
            case "add":
                lines.insert(place, f"{draw(st.sampled_from(KEYS))} = {draw(values)}")
            case "junk":
                lines.insert(place, draw(st.text(max_size=30)))
    return "\n".join(lines)


def load(text, environ):
    """Return settings, or the text of the refusal."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "usher.toml"
        file.write_text(text, "utf-8", errors="surrogatepass")
        try:
            return load_settings(file, environ)
        except SettingsError as error:
            return str(error)


@given(damaged_files())
def test_any_damaged_file_gives_settings_or_a_refusal_that_repeats_no_secret(text):
    told = load(text, {})
    assert isinstance(told, Settings) or not any(secret in told for secret in ("ENDPOINTKEY", "turn-secret-of"))


@given(st.text())
def test_any_text_gives_settings_or_a_refusal(text):
    load(text, {})


VARIABLES = [
    *("NETWORK", "GATE", "GATE__PORT", "GATE__ORIGINS", "TURN", "TURN__URIS", "CHAINS", "KEYS__DIRECTORY"),
    *("CHAINS__EIP155_31337__ENDPOINTS", "CHAINS__EIP155_31337", "CHAINS____RECEIVE", "__", "DATABASE__URL"),
    "PLATFORM__DOMAINS__0",
]


@given(
    st.dictionaries(
        st.sampled_from(VARIABLES).map("USHER_{}".format),
        st.one_of(st.text(), values, st.sampled_from(["[1", "{", '[{"url": 1}]', "sqlite:///", "postgresql://"])),
    )
)
def test_any_environment_gives_settings_or_a_refusal(environ):
    load(TEXT, environ)


@given(st.integers(0, 30), st.integers(0, 3))
def test_a_key_is_found_on_its_line_whatever_stands_before_it(blank, lists):
    filling = "# [nothing]\n\n" * blank + "".join(f'x{n} = [\n  "[y]",\n  """\nz = 1\n""",\n]\n' for n in range(lists))
    text = f"{filling}wanted = 1\n"
    assert key_lines(text)["wanted",] == text.splitlines().index("wanted = 1") + 1
