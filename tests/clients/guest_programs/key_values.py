"""Use the client's own functions on keys; prints what each of them returned, or the error that it raised, as JSON."""

import json

from prefect.backend import delete_key, get_key_value, list_keys, set_key_value

VALUES = [{"page": [1, None, "ü"]}, "text", '"quoted"', "12", 12, 0.5, False, [], None]


def error_of(function, *arguments):
    try:
        return f"no error: {function(*arguments)!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


first = set_key_value("guest cursor", 1)
again = set_key_value("guest cursor", 2)
print(
    json.dumps(
        {
            "is_same_id": first == again,
            "value": get_key_value("guest cursor"),
            "values": [(set_key_value("guest value", value), get_key_value("guest value"))[1] for value in VALUES],
            "listed": list_keys(),
            "deleted": delete_key("guest cursor"),
            "left": list_keys(),
            "missing": error_of(get_key_value, "guest cursor"),
            "missing_delete": error_of(delete_key, "guest cursor"),
            "largest": len(get_key_value("guest value")) if set_key_value("guest value", "x" * 9_998) else 0,
            "too_large": error_of(set_key_value, "guest value", "x" * 10_000),
        }
    )
)
