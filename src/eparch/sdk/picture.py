"""A picture of a flow, as SVG, Mermaid or DOT text.

In charge of layers, places and colours; needs no other program. Not in charge of the live picture in the web UI.
"""

from collections import defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eparch.sdk.constants import Constant
from eparch.sdk.containers import _Container
from eparch.sdk.edges import Edge
from eparch.sdk.errors import FlowError
from eparch.sdk.parameters import Parameter

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow
    from eparch.sdk.states import State
    from eparch.sdk.tasks import Task

_CHARACTER_WIDTH: Final = 7.2  # of the 12-pixel sans-serif that the pictures use, measured on the widest common letters
_HEIGHT, _ROW, _GAP, _MARGIN = 30, 78, 24, 16
_ARROW: Final = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#6b7280"/></marker></defs>'
)
_SWEEPS: Final = 4  # further sweeps moved nothing in graphs of up to 200 tasks


class Picture:
    """What `flow.visualize()` returns. A notebook shows it by itself.

    Attributes:
        svg: a drawing, complete in itself.
        mermaid: text for Markdown that knows Mermaid.
        dot: text for Graphviz.
    """

    def __init__(self, flow: "Flow", flow_state: "State | None" = None) -> None:
        self._order = flow.graph.ordered()
        self._number = {task: index for index, task in enumerate(self._order)}
        self._mapped = {edge.downstream_task for edge in flow.graph.edges if edge.mapped}
        self._edges = sorted(
            flow.graph.edges,
            key=lambda edge: (self._number[edge.upstream_task], self._number[edge.downstream_task], edge.key or ""),
        )
        self._states: dict[Task, State] = dict(flow_state.result or {}) if flow_state is not None else {}

    @property
    def mermaid(self) -> str:
        """The flow as a Mermaid flowchart."""
        lines = ["flowchart TD"]
        for task in self._order:
            opening, closing = ('(["', '"])') if isinstance(task, Parameter) else ('["', '"]')
            lines.append(f"  t{self._number[task]}{opening}{_mermaid_text(self._label(task))}{closing}")
        for edge in self._edges:
            up, down = self._number[edge.upstream_task], self._number[edge.downstream_task]
            arrow = f"-- {_mermaid_text(edge.key)} -->" if edge.key else "-->"
            lines.append(f"  t{up} {arrow} t{down}")
        lines += [f"  style t{self._number[task]} fill:{state.color}" for task, state in self._states.items()]
        return "\n".join(lines)

    @property
    def dot(self) -> str:
        """The flow as a Graphviz graph."""
        lines = ["digraph {"]
        for task in self._order:
            shape = "ellipse" if isinstance(task, Parameter) else "box"
            state = self._states.get(task)
            fill = f' style=filled fillcolor="{state.color}80"' if state is not None else ""
            lines.append(f"  t{self._number[task]} [label={_dot_text(self._label(task))} shape={shape}{fill}]")
        for edge in self._edges:
            label = f" [label={_dot_text(edge.key)}]" if edge.key else ""
            lines.append(f"  t{self._number[edge.upstream_task]} -> t{self._number[edge.downstream_task]}{label}")
        return "\n".join([*lines, "}"])

    @property
    def svg(self) -> str:
        """The flow as a drawing."""
        rows = self._rows()
        places = self._places(rows)
        width = max((x + w for x, _, w in places.values()), default=0.0) + _MARGIN
        height = len(rows) * _ROW - (_ROW - _HEIGHT) + 2 * _MARGIN if rows else 2 * _MARGIN
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12">'
        )
        edges = [self._edge_svg(edge, places) for edge in self._edges]
        tasks = [self._task_svg(task, places[task]) for task in self._order]
        return "\n".join([opening, _ARROW, *edges, *tasks, "</svg>"])

    def save(self, filename: str) -> None:
        """Write the picture; the ending of the name says in which form.

        Raises:
            FlowError: the ending is none of `.svg`, `.mmd` and `.dot`.
        """
        path = Path(filename)
        forms = {".svg": "svg", ".mmd": "mermaid", ".dot": "dot"}
        if path.suffix not in forms:
            raise FlowError(f"A picture cannot be written as {filename!r}.", hint="end the name in .svg, .mmd or .dot")
        path.write_text(getattr(self, forms[path.suffix]), encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def _label(self, task: "Task") -> str:
        return f"{task.name} <mapped>" if task in self._mapped else task.name

    def _rows(self) -> "list[list[Task]]":
        """Return the tasks in rows, each below all that it waits for, and moved so that edges cross little."""
        row_of: dict[Task, int] = {}
        upstream: defaultdict[Task, list[Task]] = defaultdict(list)
        downstream: defaultdict[Task, list[Task]] = defaultdict(list)
        for edge in self._edges:
            upstream[edge.downstream_task].append(edge.upstream_task)
            downstream[edge.upstream_task].append(edge.downstream_task)
        for task in self._order:
            row_of[task] = 1 + max((row_of[before] for before in upstream[task]), default=-1)
        rows: list[list[Task]] = [[] for _ in range(1 + max(row_of.values(), default=-1))]
        for task in self._order:
            rows[row_of[task]].append(task)
        # Sugiyama's method: order each row by the middle of its neighbours' places, down and up again.
        for sweep in range(_SWEEPS):
            neighbours, wanted = (upstream, rows) if sweep % 2 == 0 else (downstream, rows[::-1])
            for row in wanted:
                place = {task: index for other in rows for index, task in enumerate(other)}

                def middle(
                    task: "Task", neighbours: dict["Task", list["Task"]] = neighbours, place: dict["Task", int] = place
                ) -> float:
                    near = [place[other] for other in neighbours[task]]
                    return sum(near) / len(near) if near else place[task]

                row.sort(key=middle)
        return rows

    def _places(self, rows: "list[list[Task]]") -> "dict[Task, tuple[float, float, float]]":
        """Return for each task left edge, top and width, in pixels; rows are centred."""
        widths = {task: max(48.0, len(self._label(task)) * _CHARACTER_WIDTH + 20) for task in self._order}
        totals = [sum(widths[task] for task in row) + _GAP * (len(row) - 1) for row in rows]
        places = {}
        for index, row in enumerate(rows):
            x = _MARGIN + (max(totals) - totals[index]) / 2
            for task in row:
                places[task] = (x, float(_MARGIN + index * _ROW), widths[task])
                x += widths[task] + _GAP
        return places

    def _task_svg(self, task: "Task", place: tuple[float, float, float]) -> str:
        x, y, width = place
        state = self._states.get(task)
        fill = state.color if state is not None else "#f3f4f6"
        radius = _HEIGHT / 2 if isinstance(task, Parameter) else 4
        dash = ' stroke-dasharray="4 3"' if isinstance(task, Constant | _Container) else ""
        behind = (
            f'<rect x="{x + 4:.1f}" y="{y + 4:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="{radius}" '
            'fill="#fff" stroke="#6b7280"/>'
            if task in self._mapped
            else ""
        )
        title = f"{task.name}: {type(state).__name__}" if state is not None else task.name
        return (
            f"<g><title>{escape(title)}</title>{behind}"
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="{radius}" fill="#fff"/>'
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="{radius}" fill="{fill}" '
            f'fill-opacity="{0.5 if state is not None else 1}" stroke="#6b7280"{dash}/>'
            f'<text x="{x + width / 2:.1f}" y="{y + 19:.1f}" text-anchor="middle" fill="#111827">'
            f"{escape(self._label(task))}</text></g>"
        )

    def _edge_svg(self, edge: Edge, places: "dict[Task, tuple[float, float, float]]") -> str:
        x1, y1, w1 = places[edge.upstream_task]
        x2, y2, w2 = places[edge.downstream_task]
        start, end = (x1 + w1 / 2, y1 + _HEIGHT), (x2 + w2 / 2, y2)
        bend = (end[1] - start[1]) / 2
        path = (
            f'<path d="M{start[0]:.1f} {start[1]:.1f}C{start[0]:.1f} {start[1] + bend:.1f} '
            f'{end[0]:.1f} {end[1] - bend:.1f} {end[0]:.1f} {end[1]:.1f}" fill="none" stroke="#6b7280" '
            'marker-end="url(#arrow)"/>'
        )
        if edge.key is None:
            return path
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        return f'{path}<text x="{x + 4:.1f}" y="{y:.1f}" font-size="10" fill="#6b7280">{escape(edge.key)}</text>'


def _mermaid_text(text: str) -> str:
    # Mermaid reads HTML entities, written with # for &.
    return "".join(c if c.isalnum() or c in " _-.,:/()'" else f"#{ord(c)};" for c in text)


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
