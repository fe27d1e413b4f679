"""A study of two runs and a sweep, with every kind of table and most figures; and the same without figures."""

SMALL = """schema = 1
kind = "study"
name = "small"
title = "A small study"
description = "two runs and a sweep"
text = '''
Before.

{{throughput}}

Between.

{{ costs }}
'''

[[runs]]
name = "pair"
workload = "digits-mlp"
algorithms = ["sgd", "ttv2"]
layouts = ["two-array", "four-array"]
report = true
baselines = ["a100"]
[runs.fixed]
"training.epochs" = 1
"data.samples" = 30
"training.in_flight" = 2

[[sweeps]]
name = "overlap"
workload = "digits-mlp"
algorithm = "sgd"
seeds = [1, 2]
axes = [{ key = "training.in_flight", values = [1, 2] }]
[sweeps.fixed]
"training.epochs" = 1
"data.samples" = 30

[[tables]]
kind = "comparison"
name = "costs"
title = "Costs"
runs = "pair"

[[tables]]
kind = "rows"
name = "means"
title = "Means"
data = ["overlap"]
over_seeds = true
columns = [
  { key = "training.in_flight", heading = "in flight" },
  { key = "n", heading = "seeds" },
  { key = "samples_per_s", heading = "throughput", unit = "million samples/s", factor = 1e-6 },
  { key = "test_loss" },
]

[[tables]]
kind = "rows"
name = "chosen"
title = "Chosen rows"
inline = false
data = ["pair", "overlap"]
where = { seed = 1, data = ["overlap", "pair"] }
columns = [{ key = "data" }, { key = "seed" }, { key = "energy_J" }]

[[tables]]
kind = "ledger"
name = "bound"
title = "The critical path"
data = ["pair"]
table = "bound"
least = { share = 0.1 }

[[tables]]
kind = "ledger"
name = "epochs"
title = "Epochs"
data = ["overlap"]
table = "curve"
columns = ["epoch", "test_loss"]
where = { seed = 2 }

[[figures]]
kind = "lines"
name = "throughput"
title = "Throughput"
data = ["overlap"]
x = "training.in_flight"
y = "samples_per_s"
y_label = "million samples/s"
y_factor = 1e-6

[[figures]]
kind = "bars"
name = "energy"
title = "Energy"
data = ["pair"]
x = "layout"
y = "energy_J_per_sample"
y_scale = "log"
series = ["algorithm"]

[[figures]]
kind = "report"
name = "curves"
title = "Curves"
runs = "pair"
figure = "error-by-time"

[[figures]]
kind = "scatter"
name = "trade"
title = "Energy against throughput"
data = ["pair"]
x = "energy_J_per_sample"
x_scale = "log"
y = "samples_per_s"
series = ["algorithm"]
label = "layout"
"""
LEAN = (
    SMALL[: SMALL.index("[[figures]]")]
    .replace("{{throughput}}", "")
    .replace('report = true\nbaselines = ["a100"]\n', "")
)
"""The same without figures and report, which take long to draw."""
SHOWN = ("costs", "means", "chosen", "bound", "epochs", "throughput", "energy", "curves", "trade")
