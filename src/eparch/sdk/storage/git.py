"""Flows in git repositories, fetched by the git command.

In charge of cloning and of the documents of the hosts that Prefect 1.x knows; not in charge of credentials, which are
secrets.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import quote

from eparch.sdk.errors import FlowError
from eparch.sdk.logs import without_secrets
from eparch.sdk.secrets import Secret
from eparch.sdk.storage.loading import flow_of_file
from eparch.sdk.storage.storage import Storage

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow

_CLONE_S_MAX: Final = 300.0


class _Repository(Storage):
    """A file in a repository that is cloned for each run."""

    def add_flow(self, flow: "Flow") -> str:
        """Take up a flow; its code is in the repository already."""
        self.flows[flow.name] = self._path()
        return self._path()

    def get_flow(self, name: str) -> "Flow":
        """Return a flow by cloning the repository and executing its file."""
        path = self.location(name)
        # Kept for the life of the process: tasks may read what lies beside the flow.
        folder = Path(tempfile.mkdtemp(prefix="eparch-git-"))
        _clone(self._url(), folder, self._reference(), self._depth())
        return flow_of_file(folder / path, self._flow_name() or name)

    def _path(self) -> str:
        raise NotImplementedError

    def _url(self) -> str:
        raise NotImplementedError

    def _reference(self) -> str | None:
        return None

    def _depth(self) -> int | None:
        return 1

    def _flow_name(self) -> str | None:
        return None


class Git(_Repository):
    """A flow in a file of any git repository.

    Attributes:
        flow_path: the file, from the root of the repository.
        repo: owner and name; with `repo_host` it makes the address.
        git_token_secret_name: the secret that holds a token for cloning.
        git_clone_url_secret_name: the secret that holds the whole address, instead of `repo`.
        branch_name: a branch, `tag` a tag, `commit` a commit; one of them at most.

    Example:
        >>> Git("flows/etl.py", repo="company/flows", branch_name="main").serialize()["repo_host"]
        'github.com'
    """

    fields: ClassVar[tuple[str, ...]] = (
        "flow_path",
        "repo",
        "repo_host",
        "flow_name",
        "git_token_secret_name",
        "git_token_username",
        "git_clone_url_secret_name",
        "branch_name",
        "tag",
        "commit",
        "clone_depth",
        "use_ssh",
        "format_access_token",
    )

    def __init__(
        self,
        flow_path: str,
        repo: str | None = None,
        repo_host: str = "github.com",
        flow_name: str | None = None,
        git_token_secret_name: str | None = None,
        git_token_username: str | None = None,
        git_clone_url_secret_name: str | None = None,
        branch_name: str | None = None,
        tag: str | None = None,
        commit: str | None = None,
        clone_depth: int | None = 1,
        use_ssh: bool = False,
        format_access_token: bool = True,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=True)
        if (repo is None) is (git_clone_url_secret_name is None):
            raise FlowError("Git storage needs either `repo` or `git_clone_url_secret_name`.")
        if sum(value is not None for value in (branch_name, tag, commit)) > 1:
            raise FlowError("Git storage takes one of `branch_name`, `tag` and `commit`, not several.")
        self.flow_path = flow_path
        self.repo = repo
        self.repo_host = repo_host
        self.flow_name = flow_name
        self.git_token_secret_name = git_token_secret_name
        self.git_token_username = git_token_username or (repo.split("/")[0] if repo is not None else None)
        self.git_clone_url_secret_name = git_clone_url_secret_name
        self.branch_name = branch_name
        self.tag = tag
        self.commit = commit
        self.clone_depth = clone_depth
        self.use_ssh = use_ssh
        self.format_access_token = format_access_token

    def _path(self) -> str:
        return self.flow_path

    def _flow_name(self) -> str | None:
        return self.flow_name

    def _reference(self) -> str | None:
        return self.branch_name or self.tag or self.commit

    def _depth(self) -> int | None:
        # A commit is not found in a shallow clone of a branch.
        return None if self.commit is not None else self.clone_depth

    def _url(self) -> str:
        if self.git_clone_url_secret_name is not None:
            return str(Secret(self.git_clone_url_secret_name).get())
        if self.use_ssh:
            return f"git@{self.repo_host}:{self.repo}.git"
        if self.git_token_secret_name is None:
            return f"https://{self.repo_host}/{self.repo}.git"
        token = str(Secret(self.git_token_secret_name).get())
        credentials = (
            _credentials(self.repo_host, token, self.git_token_username) if self.format_access_token else token
        )
        return f"https://{credentials}@{self.repo_host}/{self.repo}.git"


class _HostedRepository(_Repository):
    """A repository on a host with a document of its own."""

    host_default: ClassVar[str]
    repo: str
    path: str
    ref: str | None
    access_token_secret: str | None

    def _path(self) -> str:
        return self.path

    def _reference(self) -> str | None:
        return self.ref

    def _host(self) -> str:
        return self.host_default

    def _url(self) -> str:
        host = self._host()
        if self.access_token_secret is None:
            return f"https://{host}/{self._repository()}.git"
        token = str(Secret(self.access_token_secret).get())
        return f"https://{_credentials(host, token, None)}@{host}/{self._repository()}.git"

    def _repository(self) -> str:
        return self.repo


class GitHub(_HostedRepository):
    """A flow in a file of a repository on GitHub.

    Example:
        >>> GitHub("company/flows", path="etl.py").serialize()["path"]
        'etl.py'
    """

    host_default = "github.com"
    fields: ClassVar[tuple[str, ...]] = ("repo", "ref", "path", "access_token_secret", "base_url")

    def __init__(
        self,
        repo: str,
        path: str,
        ref: str | None = None,
        access_token_secret: str | None = None,
        base_url: str | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=True)
        self.repo, self.path, self.ref = repo, path, ref
        self.access_token_secret = access_token_secret
        self.base_url = base_url

    def _host(self) -> str:
        return _host_of(self.base_url) if self.base_url else self.host_default


class GitLab(_HostedRepository):
    """A flow in a file of a repository on GitLab.

    Example:
        >>> GitLab("company/flows", path="etl.py").serialize()["repo"]
        'company/flows'
    """

    host_default = "gitlab.com"
    fields: ClassVar[tuple[str, ...]] = ("repo", "path", "host", "ref", "access_token_secret")

    def __init__(
        self,
        repo: str,
        host: str | None = None,
        path: str | None = None,
        ref: str | None = None,
        access_token_secret: str | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=True)
        self.repo, self.host, self.path, self.ref = repo, host, path or "", ref
        self.access_token_secret = access_token_secret

    def _host(self) -> str:
        return _host_of(self.host) if self.host else self.host_default


class Bitbucket(_HostedRepository):
    """A flow in a file of a repository on Bitbucket.

    Example:
        >>> Bitbucket("company", "flows", path="etl.py").serialize()["project"]
        'company'
    """

    host_default = "bitbucket.org"
    fields: ClassVar[tuple[str, ...]] = (
        "project",
        "repo",
        "workspace",
        "host",
        "path",
        "ref",
        "access_token_secret",
        "cloud_username_secret",
        "cloud_app_password_secret",
    )

    def __init__(
        self,
        project: str,
        repo: str,
        workspace: str | None = None,
        host: str | None = None,
        path: str | None = None,
        ref: str | None = None,
        access_token_secret: str | None = None,
        cloud_username_secret: str | None = None,
        cloud_app_password_secret: str | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=True)
        self.project, self.repo, self.workspace, self.host = project, repo, workspace, host
        self.path, self.ref, self.access_token_secret = path or "", ref, access_token_secret
        self.cloud_username_secret = cloud_username_secret
        self.cloud_app_password_secret = cloud_app_password_secret

    def _host(self) -> str:
        return _host_of(self.host) if self.host else self.host_default

    def _repository(self) -> str:
        return f"{self.workspace or self.project}/{self.repo}"

    def _url(self) -> str:
        if self.cloud_username_secret is None or self.cloud_app_password_secret is None:
            return super()._url()
        user = quote(str(Secret(self.cloud_username_secret).get()), safe="")
        password = quote(str(Secret(self.cloud_app_password_secret).get()), safe="")
        return f"https://{user}:{password}@{self._host()}/{self._repository()}.git"


def _credentials(host: str, token: str, username: str | None) -> str:
    """Return the part of an address before the @, as each host wants a token."""
    safe = quote(token, safe="")
    if "bitbucket" in host:
        return f"x-token-auth:{safe}"
    if "gitlab" in host:
        return f"oauth2:{safe}"
    return f"{quote(username or 'git', safe='')}:{safe}"


def _host_of(address: str) -> str:
    return address.split("://")[-1].split("/")[0]


def _clone(url: str, folder: Path, reference: str | None, depth: int | None) -> None:
    """Clone a repository, at a branch, tag or commit.

    Raises:
        FlowError: git fails, with what it said.
    """
    shallow = [] if depth is None else ["--depth", str(depth)]
    try:
        if depth is None or reference is None:
            _git("clone", "--quiet", *shallow, "--", url, str(folder))
            if reference is not None:
                _git("-C", str(folder), "checkout", "--quiet", "--detach", reference, "--")
        else:
            _git("clone", "--quiet", *shallow, "--branch", reference, "--", url, str(folder))
    except FileNotFoundError:
        raise FlowError("The git command is not installed here.", hint="install git where the agent runs") from None


def _git(*words: str) -> None:
    # Without it, git would wait for a password that nobody types.
    done = subprocess.run(  # noqa: S603 - the words are ours; addresses come after `--`
        ["git", *words],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=_CLONE_S_MAX,
        check=False,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    if done.returncode:
        raise FlowError(f"git {words[0]} fails: {without_secrets(done.stderr.strip())}")
