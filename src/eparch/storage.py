"""Where an agent finds the code of a flow. See `eparch.sdk.storage`."""

from eparch.sdk.storage.filesystems import GCS as GCS
from eparch.sdk.storage.filesystems import S3 as S3
from eparch.sdk.storage.filesystems import Azure as Azure
from eparch.sdk.storage.git import Bitbucket as Bitbucket
from eparch.sdk.storage.git import Git as Git
from eparch.sdk.storage.git import GitHub as GitHub
from eparch.sdk.storage.git import GitLab as GitLab
from eparch.sdk.storage.image import Docker as Docker
from eparch.sdk.storage.local import Local as Local
from eparch.sdk.storage.module import Module as Module
from eparch.sdk.storage.storage import Storage as Storage
