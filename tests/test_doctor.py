from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellsam_desktop.doctor import probes

CHECKS = {
    "Python", "Qt", "Display", "torch", "ONNX Runtime", "CPU encoder", "Libraries", "Models", "Cache", "Log",
}  # fmt: skip


def doctor(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cellsam_desktop", "doctor", *words]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def report(answer: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The checks by name; also that the exit code agrees with them and every failure comes with a remedy."""
    data = json.loads(answer.stdout)
    checks = {check["name"]: check for check in data["checks"]}
    assert set(checks) >= CHECKS
    missing = [check for check in checks.values() if check["status"] == "missing"]
    assert answer.returncode == int(bool(missing))
    assert data["ready"] is not bool(missing)
    assert all(check["fix"] for check in missing)
    return checks


@pytest.mark.usefixtures("home_with_weights")
def test_a_working_installation(home: Path):
    answer = doctor("--json")
    checks = report(answer)
    assert answer.returncode == 0
    assert checks["Models"]["text"] == f"vit_t in {home / 'data' / 'models'}"
    assert "CPU" in checks["ONNX Runtime"]["text"]
    assert checks["Qt"]["status"] == checks["torch"]["status"] == "ok"
    assert "not yet compared" in checks["CPU encoder"]["text"]
    assert str(home / "cache") in checks["Cache"]["text"]
    assert str(home / "logs") in checks["Log"]["text"]


def test_a_broken_torch_and_no_model(tmp_path: Path):
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch_cpu.so: cannot open shared object file')")
    checks = report(doctor("--json", PYTHONPATH=str(tmp_path)))
    assert checks["torch"]["status"] == "missing"
    assert "ImportError: libtorch_cpu.so: cannot open" in checks["torch"]["text"]
    assert "scripts/setup.py --reinstall" in checks["torch"]["fix"].replace(os.sep, "/")
    assert checks["Models"]["status"] == "missing"
    assert checks["Models"]["fix"].endswith(" models fetch vit_t")
    assert checks["Qt"]["status"] == checks["ONNX Runtime"]["status"] == "ok"


def test_a_crashing_qt_and_a_missing_onnxruntime(tmp_path: Path):
    (tmp_path / "PySide6.py").write_text("import os; os.abort()")
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError('onnxruntime')")
    (tmp_path / "torch.py").write_text("raise ImportError('not now')")
    answer = doctor(PYTHONPATH=str(tmp_path))
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert any(line.startswith("  missing  Qt") and "crashed" in line for line in lines) or os.name == "nt"
    assert any(line.startswith("  missing  ONNX Runtime") for line in lines)
    assert any(line.startswith("  ok       Libraries") for line in lines)
    assert sum("->" in line for line in lines) >= 4
    assert lines[-1].startswith("Something needed is missing")


def test_every_probe_answers_in_json_even_when_it_fails(tmp_path: Path):
    (tmp_path / "nd2.py").write_text("print('noise'); raise SystemError('broken')")
    for name, found in (("libraries", "SystemError: broken"), ("models", None)):
        answer = doctor("--probe", name, PYTHONPATH=str(tmp_path))
        assert answer.returncode == 0
        assert json.loads(answer.stdout.splitlines()[-1]).get("failed") == found


def test_a_display_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not probes.has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert probes.has_display()
