"""Where a benchmark works: generated tables (made once), and projects over them with the repository's own content."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.children import ROOT

SEED = 7
CONTENT = ("ontology", "mappings", "rules", "measures", "queries")


class Workplace:
    """The folder of all data and work files."""

    def __init__(self, folder: Path | None = None, mappings: Iterable[str] | None = None) -> None:
        """`mappings` are the files of mappings/bank that are mapped and queried, without their suffix; None is all."""
        self.folder = (folder or Path(os.environ.get("KG_BENCH_DATA", "out/bench"))).resolve()
        self.mappings = mappings

    def mapped_name(self, scale: float) -> str:
        """A name for what is made of a bank with these mappings."""
        return "-".join([f"scale{scale:g}", *(self.mappings or [])])

    def bank(self, scale: float) -> Path:
        """The tables of a bank: scale 1 is 100,000 enterprises and 1,000,000 transfers."""
        return self._generated(f"scale{scale:g}", ["--scale", f"{scale:g}"])

    def ownership(self, companies: int) -> Path:
        """Companies and three times as many stakes, nothing else."""
        name = f"ownership{companies // 1_000_000}m" if companies % 1_000_000 == 0 else f"ownership{companies}"
        return self._generated(name, ["--ownership-only", "--companies", companies, "--stakes", 3 * companies])

    def _generated(self, name: str, arguments: list[object]) -> Path:
        folder = self.folder / name
        if not folder.exists():
            part = self.fresh(f"{name}.part")
            command = [sys.executable, "-m", "benchmarks.generator", *arguments, "--seed", SEED, "--out", part]
            print(f"generating {folder}", file=sys.stderr, flush=True)
            subprocess.run([str(word) for word in command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            part.rename(folder)
        return folder

    def fresh(self, name: str) -> Path:
        """An empty work folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def project(
        self, name: str, tables: Path, mappings: Iterable[str] | None = None, rules: Iterable[str] | None = None, measures: Iterable[str] | None = ()
    ) -> Path:
        """A new project over `tables` with the repository's content; `mappings`, `rules` and `measures` name the files to keep; None is all."""
        folder = self.fresh(name)
        shutil.copy(ROOT / "kg.toml", folder)
        for part in CONTENT:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("sample", "cases", "*.csv"))
        (folder / "mappings/bank/sources.toml").write_text(f'[default]\ntype = "csv"\npath = "{tables}"\n')
        for part, kept in (("mappings", mappings), ("rules", rules), ("measures", measures)):
            for file in (folder / part / "bank").iterdir():
                if kept is not None and file.name.partition(".")[0] not in kept and file.name != "sources.toml":
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
        return folder
