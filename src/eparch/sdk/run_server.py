"""The server of the run in progress.

In charge of finding it, for code inside a flow; not in charge of what it is asked.
"""

from functools import lru_cache
from typing import Final

from eparch.client.client import Client
from eparch.client.profiles import current_profile
from eparch.sdk.context import context

# A call from inside a task goes on trying so long while the server is away.
_PATIENCE_S: Final = 300.0


def run_client() -> Client:
    """Return a client of the server that knows the run in progress; outside of one, of the server in the profile.

    The address comes with the run. The key does not, so that it is in no pickle: processes that run tasks elsewhere,
    such as Dask's workers, need `EPARCH_API_KEY` in their environment.

    Example:
        >>> with context(api_url="http://127.0.0.1:4300"):
        ...     run_client()
        <Client: http://127.0.0.1:4300>
    """
    return client_at(context.get("api_url") or current_profile().api_url)


def client_at(api_url: str) -> Client:
    """Return a client of the server at an address, with the key that this process has.

    Example:
        >>> client_at("http://127.0.0.1:4300")
        <Client: http://127.0.0.1:4300>
    """
    profile = current_profile()
    return _client(api_url, profile.api_key, profile.tenant_id)


@lru_cache(maxsize=8)
def _client(api_url: str, api_key: str | None, tenant_id: str | None) -> Client:
    return Client(api_url, api_key, tenant_id).patient(_PATIENCE_S)
