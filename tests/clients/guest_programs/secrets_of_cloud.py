"""Set secrets and read them with the client's own functions; prints what they returned, or raised, as JSON."""

import json
import sys

from prefect import Client
from prefect.client import Secret

token, password = sys.argv[1:]
client = Client()
client.set_secret("GUEST_TOKEN", token)
client.set_secret("GUEST_LOGIN", {"user": "guest", "password": password})
try:
    missing = Secret("GUEST_MISSING").get()
except Exception as error:
    missing = f"{type(error).__name__}: {error}"
print(
    json.dumps(
        {
            "token": Secret("GUEST_TOKEN").get() == token,
            "login": Secret("GUEST_LOGIN").get() == {"user": "guest", "password": password},
            "exists": [Secret("GUEST_TOKEN").exists(), Secret("GUEST_MISSING").exists()],
            "missing": missing,
        }
    )
)
