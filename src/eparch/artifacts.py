"""What a task leaves for people to see. See `eparch.sdk.artifacts`."""

from eparch.sdk.artifacts import create_link_artifact as create_link_artifact
from eparch.sdk.artifacts import create_markdown_artifact as create_markdown_artifact
from eparch.sdk.artifacts import create_progress_artifact as create_progress_artifact
from eparch.sdk.artifacts import create_table_artifact as create_table_artifact
from eparch.sdk.artifacts import delete_artifact as delete_artifact
from eparch.sdk.artifacts import update_link_artifact as update_link_artifact
from eparch.sdk.artifacts import update_markdown_artifact as update_markdown_artifact
from eparch.sdk.artifacts import update_progress_artifact as update_progress_artifact
from eparch.sdk.artifacts import update_table_artifact as update_table_artifact
