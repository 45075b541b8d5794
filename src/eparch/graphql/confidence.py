"""Documents that may hold the value of a secret.

In charge of telling which these are, and of errors about them that show nothing of what came; not in charge of keeping
them out of caches (`documents`).
"""

from typing import Final

from eparch.graphql.faults import RequestRefused

HIDDEN: Final = "what came is not shown, as it may be the value of a secret."
_HINT: Final = (
    "send the value as a variable: mutation ($input: set_secret_input!) { set_secret(input: $input) { success } }"
)

# The root field that takes such a value. It cannot be asked for without its name: GraphQL has no other way to write it.
FIELD: Final = "set_secret"


def is_confidential(text: str) -> bool:
    """Return whether the text of a document may hold the value of a secret."""
    return FIELD in text


def without_values(refused: RequestRefused) -> RequestRefused:
    """Return a refusal that says where something is wrong, and not what was found there."""
    errors = []
    for error in refused.errors:
        place, _, rest = str(error["message"]).partition(": ")
        # Only errors of variables say where they are in their message.
        subject = place if rest and place.startswith('Variable "$') else "The document is not acceptable"
        code = error["extensions"]["code"]
        errors.append({**error, "message": f"{subject}: {HIDDEN}", "extensions": {"code": code, "hint": _HINT}})
    return RequestRefused(errors)
