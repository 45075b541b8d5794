"""Flows that start flows. See `eparch.sdk.flow_runs`."""

from eparch.sdk.flow_run_view import FlowRunLog as FlowRunLog
from eparch.sdk.flow_run_view import FlowRunView as FlowRunView
from eparch.sdk.flow_run_view import TaskRunView as TaskRunView
from eparch.sdk.flow_runs import StartFlowRun as StartFlowRun
from eparch.sdk.flow_runs import create_flow_run as create_flow_run
from eparch.sdk.flow_runs import get_task_run_result as get_task_run_result
from eparch.sdk.flow_runs import run_flow as run_flow
from eparch.sdk.flow_runs import wait_for_flow_run as wait_for_flow_run
