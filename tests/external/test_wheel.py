"""Does the wheel carry everything, and does it run where there is no checkout?"""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without any hint of where the checkout is; give its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=kept | {"COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    if importlib.util.find_spec("hatchling"):
        command += ["--no-build-isolation"]
    run(*command, "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory) -> Path:
    """Install the wheel into an empty environment and give its folder of commands.

    The dependencies come from the environment of the tests through a path file. Path files in there,
    such as that of an editable install, are not followed, so the checkout stays out of reach.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / SCRIPTS / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", cwd=folder).strip())
    theirs = dict.fromkeys((sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]))
    (packages / "dependencies.pth").write_text("\n".join(theirs) + "\n")
    return folder / SCRIPTS


@pytest.mark.parametrize("room", ["architectures", "workloads", "workloads/studies"])
def test_the_wheel_carries_every_shipped_description(wheel: Path, room: str):
    inside = set(zipfile.ZipFile(wheel).namelist())
    descriptions = [path.name for path in (ROOT / room).glob("*.toml")]
    assert descriptions
    assert {f"twin/_shipped/{room}/{name}" for name in descriptions} <= inside


def test_the_wheel_carries_the_template_of_the_report_and_its_types(wheel: Path):
    page = {f"twin/report/templates/{name}" for name in ("base.html.j2", "report.html.j2", "page.css", "page.js")}
    assert page | {"twin/py.typed"} <= set(zipfile.ZipFile(wheel).namelist())


def test_the_package_is_that_of_the_wheel_and_not_the_checkout(installed: Path, tmp_path: Path):
    place = run(installed / "python", "-c", "import twin; print(twin.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize(
    ("command", "shown"),
    [(("list",), ("aimc-512", "digits-mlp")), (("show", "aimc-512"), ("aimc-512.toml",))],
)
def test_commands_run_from_another_folder(installed: Path, tmp_path: Path, command: tuple[str, ...], shown):
    output = run(installed / "twin", *command, cwd=tmp_path)
    for words in shown:
        assert words in output
    assert str(ROOT) not in output
    assert not list(tmp_path.iterdir())
