"""What the pages load in a browser, copied from npm packages: python -m api.vendor node_modules api/static/vendor."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Package → its files, which keep their names. Source maps stay behind.
FILES = {"@zazuko/yasgui": ("build/yasgui.min.js", "build/yasgui.min.css")}


def copy(modules: Path, target: Path) -> list[Path]:
    """Copy the files and note, in licenses.json, whose they are."""
    target.mkdir(parents=True, exist_ok=True)
    copied, licenses = [], {}
    for package, files in FILES.items():
        about = json.loads((modules / package / "package.json").read_text(encoding="utf-8"))
        licenses[package] = {"version": about["version"], "license": about["license"], "homepage": about.get("homepage")}
        for file in files:
            path = target / Path(file).name
            text = (modules / package / file).read_text(encoding="utf-8")
            path.write_text("\n".join(line for line in text.splitlines() if "sourceMappingURL=" not in line[:60]) + "\n", encoding="utf-8")
            copied.append(path)
    (target / "licenses.json").write_text(json.dumps(licenses, indent=2) + "\n", encoding="utf-8")
    return copied


if __name__ == "__main__":
    for path in copy(Path(sys.argv[1]), Path(sys.argv[2])):
        print(path)
