"""Key-value pairs and secrets: what goes in comes out, and a secret is shown nowhere."""

from eparch.testing import TemporaryServer
from tests.cli.program import Program


def test_pairs_are_set_read_listed_and_deleted(own: Program) -> None:
    own.ok("kv", "set", "cursor", '{"page": 41}')
    own.ok("kv", "set", "greeting", "good morning")
    own.ok("kv", "set", "number", "-5", "--if-version", "0")
    assert own.json("kv", "get", "number") == -5
    own.ok("kv", "delete", "number", "-y")
    own.ok("kv", "set", "cur_or", "-", stdin="[1, 2]\n")
    assert own.ok("kv", "get", "greeting") == "good morning"
    assert own.json("kv", "get", "greeting") == "good morning"
    assert own.json("kv", "get", "cursor") == {"page": 41}
    assert [row["key"] for row in own.json("kv", "list")] == ["cur_or", "cursor", "greeting"]
    assert [row["value"] for row in own.json("kv", "list", "--prefix", "cur_")] == [[1, 2]]
    assert '{"page": 41}' in own.ok("kv", "list")
    assert own("kv", "delete", "cursor").code == 2
    own.ok("kv", "delete", "cursor", "--yes")
    gone = own("kv", "get", "cursor")
    assert (gone.code, gone.error) == (1, "error: There is no key 'cursor'.")
    assert gone.hint == "hint: did you mean 'cur_or'?"


def test_a_pair_that_has_changed_meanwhile_is_not_overwritten(own: Program) -> None:
    assert "its version is 1" in own("kv", "set", "claim", "mine", "--if-version", "0").err
    refused = own("kv", "set", "claim", "yours", "--if-version", "0")
    assert refused.code == 1
    assert own.ok("kv", "get", "claim") == "mine"


def test_a_secret_is_typed_or_read_and_never_shown(own: Program, own_server: TemporaryServer) -> None:
    read = own("secret", "set", "TOKEN", stdin="hunter2!\n")
    assert (read.code, read.out) == (0, "")
    assert own_server.client.ask('query { secret_value(name: "TOKEN") }') == {"secret_value": "hunter2!"}
    typed = own.at_terminal("secret", "set", "PIN", typed="1234567\n")
    assert typed.code == 0
    assert "Value of PIN: " in typed.out
    assert "1234567" not in typed.out
    assert own_server.client.ask('query { secret_value(name: "PIN") }') == {"secret_value": "1234567"}
    assert own.ok("secret", "list") == "NAME\nPIN\nTOKEN"
    assert own("secret", "set", "EMPTY").error == "error: Value of EMPTY: nothing was given."
    assert own("secret", "set", "TOKEN", "hunter2!").code == 2
    assert own("secret", "delete", "TOKN", "-y").hint == "hint: did you mean 'TOKEN'?"
    own.ok("secret", "delete", "TOKEN", "--yes")
    assert own.json("secret", "list") == [{"name": "PIN"}]
