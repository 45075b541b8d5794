"""What `eparch.testing` gives to users' tests."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

RUN_S_MAX = 240


def test_a_users_test_gets_a_server_from_a_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_etl.py").write_text(
        textwrap.dedent(
            """
            import pytest
            from eparch import Flow, Parameter
            from eparch.key_values import get_key_value, set_key_value
            from eparch.testing import eparch_server

            with Flow("double") as flow:
                doubled = Parameter("x") * 2

            def test_a_run(eparch_server):
                assert eparch_server.run(flow, x=21).result[doubled].result == 42

            def test_it_is_the_same_server_for_all_tests(eparch_server):
                query = 'query { flow(where: {name: {_eq: "double"}}) { flow_runs { state } } }'
                assert eparch_server.client.ask(query)["flow"] == [{"flow_runs": [{"state": "Success"}]}]

            def test_it_can_be_the_one_that_flows_speak_to(eparch_server):
                with eparch_server.in_effect():
                    set_key_value("day", "monday")
                    assert get_key_value("day") == "monday"
            """
        )
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S_MAX,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "3 passed" in done.stdout
