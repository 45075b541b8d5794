"""JSON that flows keep on the server between their runs. See `eparch.sdk.key_values`."""

from eparch.sdk.key_values import KeyNotFound as KeyNotFound
from eparch.sdk.key_values import KeyValue as KeyValue
from eparch.sdk.key_values import delete_key_value as delete_key_value
from eparch.sdk.key_values import get_key_value as get_key_value
from eparch.sdk.key_values import list_keys as list_keys
from eparch.sdk.key_values import read_key_value as read_key_value
from eparch.sdk.key_values import set_key_value as set_key_value
