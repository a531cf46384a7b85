"""What a leaf must be to enter, and what of it a path may renew."""

import msgspec

from coterie.governance.certificates import Certificate, CertificateType, principal
from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import CAPABILITIES, LAST_RESORT, seat_of
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.signatures import BadSignature, is_valid_key
from coterie.mls import KeyPackage, LeafNode

_BASIC = 1


def check_package(package: KeyPackage) -> None:
    """A KeyPackage has no extension but, perhaps, the mark of a last resort."""
    demand(
        package.extensions in ((), ((LAST_RESORT, b""),)),
        Rule.PACKAGE_EXTENSIONS,
        "a KeyPackage has no extension but last_resort",
    )
    check_entering_leaf(package.leaf_node)


def check_entering_leaf(leaf: LeafNode) -> None:
    """Byte for byte what every leaf has, and the identity's word for the device."""
    demand(
        leaf.capabilities == CAPABILITIES,
        Rule.LEAF_CAPABILITIES,
        "the capabilities are not those of this protocol",
    )
    try:
        seat_of(leaf)
    except EncodingError as error:
        refuse(Rule.LEAF_EXTENSIONS, str(error))
    _check_certificate(leaf, _certificate(leaf))


def check_path_leaf(before: LeafNode | None, after: LeafNode) -> None:
    """A path renews the encryption key and nothing else, save a certificate that gets better."""
    if before is None:
        refuse(Rule.PATH_KEPT, "a path comes from nobody")
    kept = (
        after.signature_key == before.signature_key
        and after.credential_type == before.credential_type
        and after.capabilities == before.capabilities
        and after.extensions == before.extensions
    )
    demand(kept, Rule.PATH_KEPT, "a path changes a signature key, a seat or capabilities")
    if after.identity == before.identity:
        return
    renewed = _certificate(after)
    demand(
        _is_certified(principal(before), renewed),
        Rule.PATH_KEPT,
        "a path changes the credential",
    )
    _check_certificate(after, renewed)


def _is_certified(before: Certificate, after: Certificate) -> bool:
    """Whether a provisional certificate gave way to the identity's own, all else equal."""
    expected = msgspec.structs.replace(
        before, type=CertificateType.IDENTITY, issuer=None, signature=after.signature
    )
    return before.provisional and after == expected


def _certificate(leaf: LeafNode) -> Certificate:
    demand(
        leaf.credential_type == _BASIC, Rule.LEAF_CREDENTIAL, "the credential is not a basic one"
    )
    try:
        return principal(leaf)
    except EncodingError as error:
        refuse(Rule.LEAF_CREDENTIAL, str(error))


def _check_certificate(leaf: LeafNode, certificate: Certificate) -> None:
    keys = (certificate.identity_key, leaf.signature_key)
    demand(all(map(is_valid_key, keys)), Rule.LEAF_KEYS, "a key is not a valid Ed25519 key")
    try:
        certificate.verify(leaf.signature_key)
    except BadSignature as error:
        refuse(Rule.LEAF_CERTIFICATE, str(error))
