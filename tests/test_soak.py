"""Readers beside builds, for a few seconds; `make bench BENCH="--only soak"` does it with 32 clients for two minutes."""

from benchmarks import serving, soak
from tests.small_project import FILES


def test_readers_meet_no_error_and_no_torn_answer_while_builds_publish(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    soak.write_round(tmp_path, "garden", 0)
    soak.build(tmp_path)
    with serving.server(tmp_path) as (address, _):
        outcome = soak.run(address, tmp_path, "garden", clients=6, seconds=6)
    assert (outcome.errors, outcome.torn) == ([], [])
    assert outcome.builds >= 3 and outcome.versions >= 3 and outcome.reads > 20
