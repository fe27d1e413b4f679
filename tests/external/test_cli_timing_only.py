"""Timing-only workloads and baselines on the command line."""

import json

import pandas as pd
import pytest
from blocks_kit import small


def test_a_comparison_without_training_beside_baselines(twin, tmp_path):
    path = small(tmp_path, 3)
    out = tmp_path / "out"
    chip = ("--set", "chip.system.tiles=7")
    beside = ("--algorithms", "sgd,ttv2", "--baseline", "h100,a100", "--batch", 4)
    code, shown, _ = twin("compare", path, *chip, *beside, "-j", 1, "--out", out)
    assert code == 0
    for text in ("sgd two-array", "ttv2 three-array", "h100", "chips", "tiles", "J/sample", "B/s a chip"):
        assert text in " ".join(shown.split())
    assert not [
        line for line in shown.splitlines() if line.startswith("digital")
    ]  # a timing-only network is compared with baselines instead
    summary = json.loads((out / "summary.json").read_text())
    by_name = {run["run"]["name"]: run for run in summary["runs"]}
    assert by_name["ttv2 four-array"]["area"]["chips"] > 5
    assert by_name["a100"]["time"]["makespan_s"] > 0
    assert "batch = 4" in (out / "baselines" / "a100.toml").read_text()
    page = (out / "report.html").read_text()
    assert "Learning" not in page
    header = page[page.index('class="facts"') : page.index("</header>")]
    assert "training <b>none, timed only</b>" in header
    assert not [word for word in ("device", "seed", "digital", "epochs") if word in header]
    assert "What bound the time" in page
    servers = pd.read_csv(out / "runs" / "sgd-two-array" / "servers.csv")
    assert servers["copies"].sum() > len(servers)
    code, again, _ = twin("resume", out, "-j", 1)
    assert code == 0
    assert again == shown


def test_a_trained_network_beside_a_baseline(twin, tmp_path):
    out = tmp_path / "out"
    options = ("--algorithms", "digital", "--samples", 50, "--epochs", 1, "--baseline", "a100", "--out", out)
    code, shown, _ = twin("compare", "digits-mlp", *options)
    assert code == 0
    assert "a100" in shown
    diagnostics = pd.read_csv(out / "runs" / "digital" / "diagnostics.csv")
    lines = diagnostics[diagnostics["what"] == "input lines"]["value"].tolist()
    operations = pd.read_csv(out / "runs" / "digital" / "operations.csv")
    assert lines[0] == 65
    assert (operations["uses"] == operations["count"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--epochs", 3),
            "error: --epochs: is about training, but the workload gpt2-small is only timed; leave",
        ),
        (("--sampled",), "error: --sampled: is about training"),
        (("--batch", 3), "error: --batch (= 3): is the batch of baselines; name one with --baseline"),
        (("--baseline", "h10"), "error: h10: no baseline of this name (did you mean h100?)"),
        (("--set", "statistics.sgd.run=nowhere"), "statistics.sgd.run (= nowhere): must name the folder"),
        (("--set", "chip.system.tiles=0"), "system.tiles (= 0)"),
    ],
)
def test_a_mistake_is_answered_in_one_line(twin, arguments, message):
    code, out, err = twin("compare", "gpt2-small", "-j", 1, *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_extraction_and_verification_of_what_was_not_trained_are_refused(twin, tmp_path):
    path = small(tmp_path, 1)
    code, _, err = twin("verify-sampling", path)
    assert code == 2
    assert "only timed" in err
