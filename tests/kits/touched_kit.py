"""Which words of the arena an operation may read and write, by the resources that it names."""

import re

import numpy as np

from twin.networks.layers import Conv, Recurrent


class Places:
    """Translates resources of a graph's program into words of the arena, for the sample in slot 0."""

    def __init__(self, machine):
        self.machine, self.flow = machine, machine.network.flow

    def mask(self, resources):
        """Return which words of the arena the resources are."""
        found = np.zeros(self.machine.f.size, bool)
        for one in resources:
            for at, words in self._spans(one.name):
                assert at >= 0, one.name
                found[at : at + words] = True
        return found

    def _spans(self, name):
        node = re.fullmatch(r"n(\d+)\.(\w+)", name)
        if node:
            return self._of_node(int(node[1]), node[2])
        matrix = re.fullmatch(r"(\d+)\.(W|loaded|new)", name)
        if matrix:
            return list(self._of_matrix(int(matrix[1])))
        state = re.fullmatch(r"(?:s(\d+)|(\d+)\.state)", name)
        if state:
            return self._of_state(int(state[1] or state[2]))
        own = re.fullmatch(r"([a-zA-Z]+?)(\d+)(?:\.(\d+))?", name)
        if own is None:
            return self._sample()
        index = int(own[2])
        if isinstance(self.machine.network.layers[index], Recurrent) and own[3]:
            return self._of_cell(own[1], index, int(own[3]))
        return self._of_layer(own[1], index)

    def _sample(self):
        return [(int(self.machine.layers[0]["sample"]), self.flow.input_words)]

    def _of_node(self, index, vector):
        node, record = self.flow.nodes[index], self.machine.nodes[index]
        tensors = [(int(record["abc"[port]]), size) for port, size in enumerate(node.sizes)]
        output, kept = (int(record["y"]), node.size), (int(record["kept"]), node.kept)
        if vector[0] == "f":
            return [tensors[int(vector[1:])]]
        if vector[0] == "g" and vector[1:]:
            port = int(vector[1:])
            wanted = node.wanted[port] or node.kind == "fan-out"
            return [(int(record[("da", "db", "dc")[port]]), node.sizes[port])] if wanted else []
        if vector[0] == "r":
            start, step = ("dy", "dy_step") if vector == "r0" else ("b", "b_width")
            return [(int(record[start]) + row * int(record[step]), node.width) for row in range(node.positions)]
        learnt = [(int(record["p"]), node.parameters), (int(record["moments"]), 2 * node.parameters)]
        again = tensors[:1] if node.again == "input" else [output, kept]
        return {
            "y": [output],
            "t": [output],
            "k": [kept],
            "b": [*tensors, output, kept] if node.cost.kept else again,
            "p": learnt,
            "loaded": learnt,
            "new": learnt,
            "g": [(int(record["g"]), node.parameters)],
            "m": [(int(record["shared"]), node.shared)],
        }[vector]

    def _of_matrix(self, layer):
        for part in self.machine._parts_of(self.machine.matrices[self.machine.layers[layer]["update"]]):
            n_in, n_out = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"])
            for field, words in (
                *(("w", n_in * n_out), ("cell", 4 * n_in * n_out), ("limits", 4 * n_in * n_out)),
                *(("in_sum", n_in), ("in_rest", n_in), ("out_sum", n_out), ("out_rest", n_out)),
            ):
                if part[field] or field == "w":  # a digital matrix has neither cells nor limits
                    yield int(part[field]), words

    def _of_state(self, index):
        layer, record = self.machine.network.layers[index], self.machine.layers[index]
        kept = [(int(record["state"]), 2 * layer.hidden)] if layer.carried else []
        cells = [(int(record["c"]), layer.hidden)] if layer.cell in {"lstm", "rnn"} else []
        return [(int(record["x"]) + layer.features, layer.hidden), *cells, *kept]

    def _of_cell(self, vector, index, step):
        """Return what belongs to one time step of a recurrent layer."""
        layer, record = self.machine.network.layers[index], self.machine.layers[index]
        gated, n = layer.cell in {"gru-gates", "gru"}, layer.hidden
        other = self.machine.layers[int(record["partner"])]
        first = other if layer.cell == "gru" else record  # with lines for the state

        def row(which, field, width, at=step):
            return int(which[field]) + at * width, width

        def states(field, at):
            lines = int(first["n_in"])
            inside = 0 <= at < layer.uses
            return [(int(first[field]) + at * lines + layer.features, n)] if inside else []

        own = [row(record, "y", layer.n_out)]
        cells = [] if gated else [row(record, "c", n, step + 1), row(record, "tanh_c", n)]
        partner = [row(other, "y", int(other["n_out"])), *states("x", step)] if gated else []
        carry = [(int(record["carry"]), layer.n_in if layer.joined else n)]
        error = [(int(record["error"]) + step * int(record["error_step"]), n), *states("e", step + 1)]
        if layer.joined:
            handed = [row(other, "x", layer.n_in)]
            error = [row(other, "e", layer.n_in), (int(other["carry"]), n)]
        else:
            handed = [(row(record, "handed", int(record["handed_step"]))[0], n), *states("x", step + 1)]
        source = 1 if layer.one_hot else layer.features
        return {
            "fW": [*([] if layer.cell == "gru" else [row(record, "source", source)]), row(record, "x", layer.n_in)],
            "x": [row(record, "x", layer.n_in)],
            "h": states("x", step + 1),
            "z": [row(record, "z", layer.n_out)],
            "y": [*own, *cells, *handed, row(record, "z", layer.n_out)],
            "t": handed,
            "c": [] if gated else [row(record, "c", n, step + 1)],
            "b": [*own, *cells, *([] if gated else [row(record, "c", n)]), *partner],
            "d": [row(record, "d", layer.n_out)],
            "dc": carry,
            "dh": carry,
            "g": [row(record, "e", layer.n_in)],
            "e": [row(record, "e", layer.n_in)],
            "r": [*error, *carry],  # an LSTM's last step takes 0 times its carry
            "p": [],
            "ps": [],
            "cp": [],
        }[vector]

    def _of_layer(self, vector, index):
        layer, record = self.machine.network.layers[index], self.machine.layers[index]
        conv = isinstance(layer, Conv)
        n = layer.positions * layer.n_out
        outputs = [(int(record["y"]), n)]
        if conv:
            outputs += [(int(record["handed"]), layer.size), (int(record["chosen"]), layer.size)]
        errors = [(int(record["e"]), layer.height * layer.width * layer.channels if conv else layer.uses * layer.n_in)]
        errors += [(int(record["window"]), layer.n_in)] if conv else []
        rows, width = (1, layer.size) if conv else (layer.uses, layer.n_out)
        return {
            "fW": [(int(record["image"] if conv else record["source"]), self.flow.words[index])],
            "x": [(int(record["x"]), layer.uses * layer.n_in)],
            "z": [(int(record["z"]), n), *([(int(record["sums"]), layer.n_out)] if conv and layer.groups > 1 else [])],
            "y": outputs,
            "t": outputs,
            "b": outputs,
            "d": [(int(record["d"]), layer.uses * layer.n_out)],
            "g": errors,
            "e": errors,
            "r": [(int(record["error"]) + row * int(record["error_step"]), width) for row in range(rows)],
            "p": [],
            "ps": [],
            "cp": [],
        }[vector]
