"""welcome and passive-*: a client that joins groups of other implementations and follows them."""

import pytest

from coterie.mls import (
    Group,
    KeyPackage,
    KeyPackageSecrets,
    MissingSecret,
    Welcome,
    suite,
)
from coterie.mls.key_schedule import EpochSecrets, JoinerSecrets
from coterie.mls.messages import decode_message
from coterie.mls.suites import NO_SECRET
from tests.mls.vector_files import Vector, official, unhex

FILES = {
    "passive-application": 12,
    "passive-branch": 64,
    "passive-client-handling-commit": 26,
    "passive-client-random": 1,
    "passive-client-welcome": 16,
    "passive-commit": 88,
    "passive-external_join": 12,
    "passive-external_proposals": 56,
    "passive-reinit": 96,
    "passive-welcome_join": 16,
}


def _secrets(vector: Vector) -> KeyPackageSecrets:
    package = decode_message(unhex(vector["key_package"]))
    assert isinstance(package, KeyPackage)
    return KeyPackageSecrets(
        package,
        unhex(vector["init_priv"]),
        unhex(vector.get("encryption_priv", "")),
        unhex(vector.get("signature_priv", ""))[:32],
    )


def test_welcome() -> None:
    for vector in official("welcome", minimum=2):
        used, own = suite(vector["cipher_suite"]), _secrets(vector)
        welcome = Welcome.decode(unhex(vector["welcome"]))
        joiner = JoinerSecrets.of_joiner(
            used, welcome.group_secrets(used, own).joiner_secret, NO_SECRET
        )
        info = welcome.group_info(used, joiner.welcome_secret(used))
        info.verify_signature(used, unhex(vector["signer_pub"]))
        epoch_secret = joiner.epoch_secret(used, info.context.encoded)
        transcript = info.context.confirmed_transcript_hash
        tag = EpochSecrets.derive(used, epoch_secret).confirmation_tag(used, transcript)
        assert tag == info.confirmation_tag


@pytest.mark.parametrize(("name", "minimum"), FILES.items())
def test_passive_client_follows(name: str, minimum: int) -> None:
    """The state is saved and restored after every epoch."""
    for vector in official(name, minimum):
        group = _join(vector)
        for epoch in vector["epochs"]:
            for proposal in epoch["proposals"]:
                group = group.process_message(unhex(proposal)).group
            group = Group.decode(group.process(unhex(epoch["commit"])).encode())
            assert group.epoch_authenticator == unhex(epoch["epoch_authenticator"])


def _join(vector: Vector) -> Group:
    psks = {unhex(one["psk_id"]): unhex(one["psk"]) for one in vector["external_psks"]}
    tree = unhex(vector["ratchet_tree"]) if vector.get("ratchet_tree") else None
    welcome, own = unhex(vector["welcome"]), _secrets(vector)
    used = suite(vector["cipher_suite"])
    group = Group.join(used, welcome, own, tree, psks)
    assert group.epoch_authenticator == unhex(vector["initial_epoch_authenticator"])
    return group


def test_welcome_with_an_unknown_psk_is_refused() -> None:
    """The same vectors without their secrets: the PSKs do enter the key schedule."""
    vectors = official("passive-client-welcome", minimum=16)
    needing = [vector for vector in vectors if vector["external_psks"]]
    assert needing
    for vector in needing:
        with pytest.raises(MissingSecret):
            _join({**vector, "external_psks": []})
