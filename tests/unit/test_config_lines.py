import tomllib

from twin.config.lines import key_lines

TEXT = (
    r'''# a comment = with [brackets]
schema = 1
name = "a = b # no comment \" still"
notes = """
x = 1
[no.table]
"""
raw = '''.lstrip()
    + "'''\ny = 2\n'''"
    + r"""
literal = 'C:\' # = comment

[tile]
rows = 512 # = 5
io.inp_res = 126
"quoted key" = { a = 1, b = { c = [1, 2] } }

[[layers]]
kind = "dense"
[layers.update]
bl = 1
[[layers]]
kind = 'dense'
deep = [
  { k = 1, v = "]" },  # ]

  { k = 2, v = '''}
''' },
]
update.bl = 2
date = 1979-05-27T07:32:00Z
"""
)


def test_every_key_is_found_at_its_line():
    lines = key_lines(TEXT)
    rows = TEXT.splitlines()
    expected = {
        ("schema",): "schema",
        ("name",): "name",
        ("notes",): "notes",
        ("raw",): "raw",
        ("literal",): "literal",
        ("tile",): "[tile]",
        ("tile", "rows"): "rows",
        ("tile", "io", "inp_res"): "io.inp_res",
        ("tile", "quoted key", "b", "c", 1): '"quoted key"',
        ("layers", 0, "kind"): 'kind = "dense"',
        ("layers", 0, "update", "bl"): "bl = 1",
        ("layers", 1, "kind"): "kind = 'dense'",
        ("layers", 1, "deep", 0, "v"): "  { k = 1",
        ("layers", 1, "deep", 1, "v"): "  { k = 2",
        ("layers", 1, "update", "bl"): "update.bl",
        ("layers", 1, "date"): "date",
    }
    for path, start in expected.items():
        assert rows[lines[path] - 1].startswith(start), path


def test_the_scanner_finds_what_tomllib_finds():
    found = {path for path in key_lines(TEXT) if path}
    rest = [((), tomllib.loads(TEXT))]
    while rest:
        path, value = rest.pop()
        if path:
            assert path in found, path
        below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        rest += [((*path, key), item) for key, item in below]


def test_text_that_is_not_toml_gives_a_partial_map():
    assert key_lines('a = 1\nb = "open')[("a",)] == 1
    assert key_lines("[[[[") is not None
