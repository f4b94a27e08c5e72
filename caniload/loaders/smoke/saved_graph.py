"""A stored TensorFlow graph: its nodes, its functions, what its saver alone reaches.

Field numbers are those of tensorflow/core/protobuf/{saved_model,meta_graph,saver,
saved_object_graph}.proto and tensorflow/core/framework/{graph,function,node_def,
attr_value}.proto, read from the descriptors of TensorFlow 2.21.0. Where protobuf takes the
last of several values, all are kept: more is seen than runs, never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .protobuf import Bytes, all_of, fields, text

_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op", "saved_model_train_op")

Place = tuple
"""Where a node stands: ("node", its name) in the main graph, ("function", its function)."""


@dataclass
class Node:
    """One operation: what it is, what it reads, which functions and strings it names."""

    name: str = ""
    ops: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def strings(self, attribute: str) -> list[str]:
        """Return the values of a string attribute."""
        return self.texts.get(attribute, [])

    @property
    def calls(self) -> set[str]:
        """The functions that it may run; an op's name may be a function's."""
        return self.functions | set(self.ops)


@dataclass
class Graph:
    """A graph, its functions, and the tensors and functions by which it is run."""

    nodes: dict[str, list[Node]] = field(default_factory=dict)
    functions: dict[str, list[Node]] = field(default_factory=dict)
    saves: set[str] = field(default_factory=set)
    restores: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)

    def all_nodes(self) -> Iterator[tuple[Place, Node]]:
        """Yield every node with its place."""
        for name, nodes in self.nodes.items():
            for node in nodes:
                yield ("node", name), node
        for name, nodes in self.functions.items():
            for node in nodes:
                yield ("function", name), node

    def only_saver(self, *, restoring: bool) -> set[Place]:
        """Return the places that the saver reaches and running the model does not.

        Without `restoring`, what the saver's restoring reaches counts as run: a loader of
        TensorFlow 1 runs it. What is offered as a function of the object graph counts as run.
        """
        run = self._reached(self.runs if restoring else self.runs | self.restores, self.offered)
        roots = self.saves | self.restores if restoring else self.saves
        return self._reached(roots, ()) - run

    def _reached(self, tensors: Iterable[str], functions: Iterable[str]) -> set[Place]:
        """Return the places from which tensors and functions are computed."""
        waiting: list[Place] = [("node", node_name(each)) for each in tensors]
        waiting += [("function", name) for name in functions]
        seen: set[Place] = set()
        while waiting:
            place = waiting.pop()
            kind, name = place
            nodes = self.nodes.get(name) if kind == "node" else self.functions.get(name)
            if place in seen or nodes is None:
                continue
            seen.add(place)
            for node in nodes:
                waiting += [("function", each) for each in node.calls]
                if kind == "node":
                    waiting += [("node", node_name(each)) for each in node.inputs]
        return seen


def node_name(tensor: str) -> str:
    """Return the node of a tensor's or a control input's name: `^a` and `a:1` are of `a`."""
    return tensor.lstrip("^").partition(":")[0]


def of_saved_model(data: Bytes) -> list[Graph]:
    """Read each meta graph of a serialized SavedModel; raises `protobuf.MalformedError`."""
    return [_meta_graph(body) for body in all_of(data, 2)]


def of_graph_def(data: Bytes, graph: Graph | None = None) -> Graph:
    """Read a serialized GraphDef; raises `protobuf.MalformedError`."""
    graph = graph or Graph()
    for number, body in fields(data):
        if number == 1:
            node = _node(body)
            graph.nodes.setdefault(node.name, []).append(node)
        elif number == 2:
            for function in all_of(body, 1):
                _function(function, graph)
    return graph


def _meta_graph(data: Bytes) -> Graph:
    """Read a MetaGraphDef."""
    graph = Graph()
    for number, body in fields(data):
        if number == 2:
            of_graph_def(body, graph)
        elif number == 3:
            _saver(body, graph)
        elif number == 4:
            _collection(body, graph)
        elif number == 5:
            for signature in all_of(body, 2):
                for entry in all_of(signature, 2):
                    for info in all_of(entry, 2):
                        graph.runs.update(_tensors(info))
        elif number == 7:
            for entry in all_of(body, 2):
                graph.offered.update(text(key) for key in all_of(entry, 1))
    return graph


def _saver(data: Bytes, graph: Graph) -> None:
    """Read a SaverDef: the tensors that save and restore."""
    for number, body in fields(data):
        if number == 2:
            graph.saves.add(text(body))
        elif number == 3:
            graph.restores.add(text(body))


def _collection(data: Bytes, graph: Graph) -> None:
    """Read an entry of the collections: operations that are run when the model is loaded."""
    names = {text(key) for key in all_of(data, 1)}
    if names.isdisjoint(_INIT_COLLECTIONS):
        return
    for value in all_of(data, 2):
        for nodes in all_of(value, 1):
            graph.runs.update(text(name) for name in all_of(nodes, 1))


def _tensors(info: Bytes) -> Iterator[str]:
    """Yield the names in a TensorInfo: of a tensor, a sparse one's parts, a composite's."""
    for number, body in fields(info):
        if number == 1:
            yield text(body)
        elif number == 4:
            yield from (text(part) for _, part in fields(body))
        elif number == 5:
            for part in all_of(body, 2):
                yield from _tensors(part)


def _function(data: Bytes, graph: Graph) -> None:
    """Read a FunctionDef."""
    names: list[str] = []
    nodes: list[Node] = []
    for number, body in fields(data):
        if number == 1:
            names += [text(name) for name in all_of(body, 1)]
        elif number == 3:
            nodes.append(_node(body))
    for name in names or [""]:
        graph.functions.setdefault(name, []).extend(nodes)


def _node(data: Bytes) -> Node:
    """Read a NodeDef; the values of its constants are passed over."""
    node = Node()
    for number, body in fields(data):
        if number == 1:
            node.name = text(body)
        elif number == 2:
            node.ops.append(text(body))
        elif number == 3:
            node.inputs.append(text(body))
        elif number == 5:
            _attribute(body, node)
    return node


def _attribute(entry: Bytes, node: Node) -> None:
    """Read an entry of a node's attributes: functions and strings."""
    names = [text(key) for key in all_of(entry, 1)]
    for value in all_of(entry, 2):
        for number, body in fields(value):
            if number == 10:
                _named(body, node)
            elif number == 1:
                for inner, part in fields(body):
                    if inner == 9:
                        _named(part, node)
            elif number == 2:
                for name in names:
                    node.texts.setdefault(name, []).append(text(body))


def _named(data: Bytes, node: Node) -> None:
    """Read a NameAttrList: a function, and what its own attributes name."""
    for number, body in fields(data):
        if number == 1:
            node.functions.add(text(body))
        elif number == 2:
            _attribute(body, node)
