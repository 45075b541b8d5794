"""The published client keeps values by key, from a program that speaks as to its vendor's cloud."""

from tests.clients.api import Api
from tests.clients.guest import Guest


def test_keys_are_set_read_listed_and_deleted(cloud_guest: Guest, api: Api) -> None:
    got = cloud_guest.run("key_values.py")
    assert got["is_same_id"]
    assert got["value"] == 2
    assert got["values"] == [{"page": [1, None, "ü"]}, "text", '"quoted"', "12", 12, 0.5, False, [], None]
    assert set(got["listed"]) >= {"guest cursor", "guest value"}
    assert got["deleted"] is True
    assert "guest cursor" not in got["left"]
    assert got["missing"].startswith("ValueError"), got["missing"]
    assert got["missing_delete"].startswith("ValueError"), got["missing_delete"]
    assert got["largest"] == 9_998
    # The client itself refuses what is too large, so that this limit is never met on its way.
    assert got["too_large"].startswith("ValueError"), got["too_large"]
    (row,) = api.ask('query { key_value(where: {key: {_eq: "guest value"}}) { value version } }')
    assert row["value"] == "x" * 9_998
