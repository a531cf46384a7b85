"""crypto-basics, key-schedule, psk_secret, secret-tree, transcript-hashes."""

from coterie.mls import ExternalPSK, GroupContext, suite
from coterie.mls.codec import Reader
from coterie.mls.framing import AuthenticatedContent, ContentType, WireFormat
from coterie.mls.key_schedule import EpochSecrets, JoinerSecrets, encryption_secret
from coterie.mls.private_message import sender_data_key
from coterie.mls.psk import PskStore, psk_secret
from coterie.mls.secret_tree import SecretTree
from coterie.mls.suites import Suite
from coterie.mls.transcript import confirmed_transcript_hash, interim_transcript_hash
from tests.mls.vector_files import Vector, official, unhex


def test_crypto_basics() -> None:
    for vector in official("crypto-basics", minimum=2):
        used = suite(vector["cipher_suite"])
        _check_hashes(used, vector)
        _check_signature(used, vector["sign_with_label"])
        _check_encryption(used, vector["encrypt_with_label"])


def _check_hashes(used: Suite, vector: Vector) -> None:
    ref = vector["ref_hash"]
    assert used.ref_hash(ref["label"].encode(), unhex(ref["value"])) == unhex(ref["out"])
    expand = vector["expand_with_label"]
    assert used.expand_with_label(
        unhex(expand["secret"]),
        expand["label"].encode(),
        unhex(expand["context"]),
        expand["length"],
    ) == unhex(expand["out"])
    derive = vector["derive_secret"]
    derived = used.derive_secret(unhex(derive["secret"]), derive["label"].encode())
    assert derived == unhex(derive["out"])
    tree = vector["derive_tree_secret"]
    assert used.derive_tree_secret(
        unhex(tree["secret"]), tree["label"].encode(), tree["generation"], tree["length"]
    ) == unhex(tree["out"])


def _check_signature(used: Suite, vector: Vector) -> None:
    private, public = unhex(vector["priv"])[:32], unhex(vector["pub"])
    label, content = vector["label"].encode(), unhex(vector["content"])
    assert used.verify_with_label(public, label, content, unhex(vector["signature"]))
    assert used.sign_with_label(private, label, content) == unhex(vector["signature"])


def _check_encryption(used: Suite, vector: Vector) -> None:
    private, public = unhex(vector["priv"]), unhex(vector["pub"])
    label, context = vector["label"].encode(), unhex(vector["context"])
    plaintext = unhex(vector["plaintext"])
    sealed = unhex(vector["kem_output"]), unhex(vector["ciphertext"])
    assert used.decrypt_with_label(private, label, context, *sealed) == plaintext
    resealed = used.encrypt_with_label(public, label, context, plaintext)
    assert used.decrypt_with_label(private, label, context, *resealed) == plaintext


def test_key_schedule() -> None:
    for vector in official("key-schedule", minimum=2):
        used = suite(vector["cipher_suite"])
        init_secret = unhex(vector["initial_init_secret"])
        for number, epoch in enumerate(vector["epochs"]):
            init_secret = _check_epoch(used, unhex(vector["group_id"]), number, init_secret, epoch)


def _check_epoch(
    used: Suite, group_id: bytes, number: int, init_secret: bytes, epoch: Vector
) -> bytes:
    """Returns the init_secret of the next epoch."""
    transcript = unhex(epoch["confirmed_transcript_hash"])
    context = GroupContext(
        1, used.id, group_id, number, unhex(epoch["tree_hash"]), transcript, ()
    ).encoded
    assert context == unhex(epoch["group_context"])
    joiner = JoinerSecrets.of_commit(
        used, init_secret, unhex(epoch["commit_secret"]), unhex(epoch["psk_secret"]), context
    )
    assert joiner.joiner_secret == unhex(epoch["joiner_secret"])
    assert joiner.welcome_secret(used) == unhex(epoch["welcome_secret"])
    epoch_secret = joiner.epoch_secret(used, context)
    assert encryption_secret(used, epoch_secret) == unhex(epoch["encryption_secret"])
    secrets = EpochSecrets.derive(used, epoch_secret)
    for name in (
        "sender_data_secret",
        "exporter_secret",
        "external_secret",
        "confirmation_key",
        "membership_key",
        "resumption_psk",
        "epoch_authenticator",
        "init_secret",
    ):
        assert getattr(secrets, name) == unhex(epoch[name]), name
    assert secrets.external_key_pair()[1] == unhex(epoch["external_pub"])
    exporter = epoch["exporter"]
    assert secrets.export(
        used, exporter["label"].encode(), unhex(exporter["context"]), exporter["length"]
    ) == unhex(exporter["secret"])
    return secrets.init_secret


def test_psk_secret() -> None:
    for vector in official("psk_secret", minimum=22):
        psks = [(unhex(one["psk_id"]), unhex(one["psk"]), one) for one in vector["psks"]]
        store = PskStore({name: secret for name, secret, _ in psks})
        ids = [ExternalPSK(name, unhex(one["psk_nonce"])) for name, _, one in psks]
        computed = psk_secret(suite(vector["cipher_suite"]), ids, store)
        assert computed == unhex(vector["psk_secret"])


def test_secret_tree() -> None:
    for vector in official("secret-tree", minimum=6):
        used = suite(vector["cipher_suite"])
        sender = vector["sender_data"]
        key, nonce = sender_data_key(
            used, unhex(sender["sender_data_secret"]), unhex(sender["ciphertext"])
        )
        assert (key, nonce) == (unhex(sender["key"]), unhex(sender["nonce"]))
        tree = SecretTree.of(unhex(vector["encryption_secret"]), len(vector["leaves"]))
        for leaf_index, generations in enumerate(vector["leaves"]):
            _check_ratchets(used, tree, leaf_index, generations)


def _check_ratchets(
    used: Suite, tree: SecretTree, leaf_index: int, generations: list[Vector]
) -> None:
    for kind, content_type in (
        ("handshake", ContentType.COMMIT),
        ("application", ContentType.APPLICATION),
    ):
        for one in generations:
            taken, _ = tree.take(used, leaf_index, content_type, one["generation"])
            assert taken == (unhex(one[f"{kind}_key"]), unhex(one[f"{kind}_nonce"]))


def test_transcript_hashes() -> None:
    for vector in official("transcript-hashes", minimum=2):
        used = suite(vector["cipher_suite"])
        reader = Reader(unhex(vector["authenticated_content"]))
        content = AuthenticatedContent.read(reader, WireFormat(reader.uint16()))
        reader.finish()
        before = unhex(vector["interim_transcript_hash_before"])
        confirmed = confirmed_transcript_hash(used, before, content)
        assert confirmed == unhex(vector["confirmed_transcript_hash_after"])
        tag = used.mac(unhex(vector["confirmation_key"]), confirmed)
        assert tag == content.confirmation_tag
        after = interim_transcript_hash(used, confirmed, tag)
        assert after == unhex(vector["interim_transcript_hash_after"])
