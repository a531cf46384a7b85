"""The committed vectors of tests/mls/vectors, made by tools/make_mls_vectors.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coterie.mls import MLSError
from tests.mls.vector_files import Vector, anchored, joined, own, unhex

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("vector", own("passive"), ids=["suite 1", "suite 3"])
def test_passive_member_follows(vector: Vector) -> None:
    group = joined(vector)
    assert group.epoch_authenticator == unhex(vector["initial_epoch_authenticator"])
    exporter = vector["exporter"]
    assert len(vector["epochs"]) >= 10
    for epoch in vector["epochs"]:
        for proposal in epoch["proposals"]:
            group = group.process_message(unhex(proposal)).group
        group = group.process(unhex(epoch["commit"]))
        assert group.epoch_authenticator == unhex(epoch["epoch_authenticator"])
        exported = group.export(exporter["label"], unhex(exporter["context"]), exporter["length"])
        assert exported == unhex(epoch["exported"])


@pytest.mark.parametrize("vector", own("public"), ids=["suite 1", "suite 3"])
def test_public_state_follows_the_chain(vector: Vector) -> None:
    group = anchored(vector)
    assert len(vector["commits"]) >= 9
    for link in vector["commits"]:
        staged = group.stage(unhex(link["commit"]))
        assert (staged.sender, staged.committer) == (link["sender"], link["committer"])
        assert list(staged.added) == link["added"]
        assert list(staged.removes) == link["removes"]
        group = staged.after
        assert group.context.encoded == unhex(link["context"])
        assert group.interim_transcript_hash == unhex(link["interim_transcript_hash"])


@pytest.mark.parametrize("vector", own("refused"), ids=["suite 1", "suite 3"])
def test_public_state_refuses_every_forgery(vector: Vector) -> None:
    group = anchored(vector)
    assert len(vector["refused"]) >= 25
    for forgery in vector["refused"]:
        with pytest.raises(MLSError) as caught:
            group.stage(unhex(forgery["commit"]))
        assert caught.value.check == forgery["check"], forgery["name"]


def test_the_files_are_what_the_tool_makes() -> None:
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    run = subprocess.run(
        [sys.executable, "-m", "tools.make_mls_vectors", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
