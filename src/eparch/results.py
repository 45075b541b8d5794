"""Where the results of tasks are kept, and in what form."""

from eparch.sdk.results.filesystems import AzureResult as AzureResult
from eparch.sdk.results.filesystems import FilesystemResult as FilesystemResult
from eparch.sdk.results.filesystems import GCSResult as GCSResult
from eparch.sdk.results.filesystems import S3Result as S3Result
from eparch.sdk.results.inline import ConstantResult as ConstantResult
from eparch.sdk.results.inline import PrefectResult as PrefectResult
from eparch.sdk.results.inline import SecretResult as SecretResult
from eparch.sdk.results.local import LocalResult as LocalResult
from eparch.sdk.results.result import Result as Result
from eparch.sdk.results.serializers import CompressedSerializer as CompressedSerializer
from eparch.sdk.results.serializers import JSONSerializer as JSONSerializer
from eparch.sdk.results.serializers import PickleSerializer as PickleSerializer
from eparch.sdk.results.serializers import Serializer as Serializer
