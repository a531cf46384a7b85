"""Writes tests/vectors/ed25519.json: signatures that Ed25519 libraries are known to judge apart.

Every implementation of the protocol must give the verdicts in that file, which are libsodium's:
S < L, canonical A and R, neither of small order, and the equation without cofactor. They follow
from how each case is built here, not from asking a library. The content is deterministic.

Run: python tools/make_ed25519_vectors.py
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "ed25519.json"

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
Case = dict[str, str | bool]
IDENTITY: Point = (0, 1)


def recover_x(y: int, sign: int) -> int | None:
    """None when no point has this y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square:
        return None
    return P - x if x & 1 != sign else x


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def multiply(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def base_point() -> Point:
    y = 4 * pow(5, -1, P) % P
    return recover_x(y, 0) or 0, y


BASE = base_point()


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def torsion_points() -> list[Point]:
    """The eight points whose order divides 8."""
    y = 2
    while True:
        x = recover_x(y, 0)
        if x is not None:
            generator = multiply(L, (x, y))
            if multiply(4, generator) != IDENTITY:
                return [multiply(factor, generator) for factor in range(8)]
        y += 1


TORSION = torsion_points()


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def scalar(label: str) -> int:
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "little") % L


def messages() -> Iterator[bytes]:
    for number in range(1000):
        yield b"message %d" % number


def sign(secret: int, a: bytes, r: bytes, nonce: int, message: bytes) -> bytes:
    s = (nonce + challenge(r, a, message) * secret) % L
    return r + s.to_bytes(32, "little")


def case(name: str, a: bytes, message: bytes, signature: bytes, valid: bool) -> Case:
    return {
        "name": name,
        "public_key": a.hex(),
        "message": message.hex(),
        "signature": signature.hex(),
        "valid": valid,
    }


SECRET, NONCE = scalar("secret"), scalar("nonce")
A, R = encode(multiply(SECRET, BASE)), encode(multiply(NONCE, BASE))


def ordinary() -> Iterator[Case]:
    for message in (b"", b"message", bytes(300)):
        signature = sign(SECRET, A, R, NONCE, message)
        yield case(f"valid, {len(message)} bytes", A, message, signature, True)
    good = sign(SECRET, A, R, NONCE, b"message")
    yield case("another message", A, b"massage", good, False)
    for place in (0, 31, 32, 63):
        bad = bytearray(good)
        bad[place] ^= 1
        yield case(f"bit flipped in byte {place}", A, b"message", bytes(bad), False)


def large_s() -> Iterator[Case]:
    good = sign(SECRET, A, R, NONCE, b"message")
    s = int.from_bytes(good[32:], "little")
    for factor in (1, 2, 7):
        raised = (s + factor * L).to_bytes(32, "little")
        yield case(f"S raised by {factor} L", A, b"message", R + raised, False)
    zero_key = encode(IDENTITY)
    yield case("S = L, R and A neutral", zero_key, b"", zero_key + L.to_bytes(32, "little"), False)


def small_order_key() -> Iterator[Case]:
    """With A of small order, S = r satisfies the equation whenever h A is neutral."""
    for index, point in enumerate(TORSION):
        yield _signed_under("A of small order", index, encode(point), point)
    for index, (name, encoding, point) in enumerate(non_canonical()):
        yield _signed_under(f"A not canonical, {name}", index, encoding, point)


def _signed_under(name: str, index: int, a: bytes, point: Point) -> Case:
    for message in messages():
        if multiply(challenge(R, a, message), point) == IDENTITY:
            signature = R + NONCE.to_bytes(32, "little")
            return case(f"{name} ({index})", a, message, signature, False)
    raise AssertionError("one message in eight fits")


def non_canonical() -> list[tuple[str, bytes, Point]]:
    """Encodings of small-order points that no encoder makes."""
    order_four = ROOT_OF_MINUS_ONE if ROOT_OF_MINUS_ONE % 2 == 0 else P - ROOT_OF_MINUS_ONE
    sign_bit = 1 << 255
    return [
        ("y = p + 1", (P + 1).to_bytes(32, "little"), IDENTITY),
        ("y = p + 1, sign", (P + 1 | sign_bit).to_bytes(32, "little"), IDENTITY),
        ("y = 1, sign", (1 | sign_bit).to_bytes(32, "little"), IDENTITY),
        ("y = p - 1, sign", (P - 1 | sign_bit).to_bytes(32, "little"), (0, P - 1)),
        ("y = p", P.to_bytes(32, "little"), (order_four, 0)),
        ("y = p, sign", (P | sign_bit).to_bytes(32, "little"), (P - order_four, 0)),
    ]


def small_order_nonce() -> Iterator[Case]:
    """With R of small order, S = h a satisfies the equation without cofactor for neutral R, and
    with cofactor for all."""
    encodings = [(f"R of small order ({n})", encode(point)) for n, point in enumerate(TORSION)]
    encodings += [(f"R not canonical, {name}", r) for name, r, _ in non_canonical()]
    for name, r in encodings:
        yield case(name, A, b"message", sign(SECRET, A, r, 0, b"message"), False)


def mixed_order() -> Iterator[Case]:
    """A = a B + T: the equation with cofactor always holds, without it only when h T is neutral."""
    torsion = TORSION[1]
    a = encode(add(multiply(SECRET, BASE), torsion))
    seen: set[bool] = set()
    for message in messages():
        neutral = multiply(challenge(R, a, message), torsion) == IDENTITY
        if neutral not in seen:
            seen.add(neutral)
            name = f"A of mixed order, h T {'neutral' if neutral else 'not neutral'}"
            yield case(name, a, message, sign(SECRET, a, R, NONCE, message), neutral)
        if len(seen) == 2:
            break
    r = encode(add(multiply(NONCE, BASE), torsion))
    yield case("R of mixed order", A, b"message", sign(SECRET, A, r, NONCE, b"message"), False)


def both_mixed() -> Iterator[Case]:
    """R = r B + T and A = a B - T with h = 1 mod 8: the torsion cancels without cofactor."""
    torsion, opposite = TORSION[1], TORSION[7]
    a = encode(add(multiply(SECRET, BASE), opposite))
    r = encode(add(multiply(NONCE, BASE), torsion))
    for message in messages():
        if add(torsion, multiply(challenge(r, a, message), opposite)) == IDENTITY:
            yield case("A and R mixed", a, message, sign(SECRET, a, r, NONCE, message), True)
            return


def wrong_lengths() -> Iterator[Case]:
    good = sign(SECRET, A, R, NONCE, b"message")
    yield case("public key of 31 bytes", A[:31], b"message", good, False)
    yield case("signature of 63 bytes", A, b"message", good[:63], False)
    yield case("signature of 65 bytes", A, b"message", good + b"\x00", False)
    yield case("no signature", A, b"message", b"", False)


def main() -> None:
    kinds = (
        ordinary,
        large_s,
        small_order_key,
        small_order_nonce,
        mixed_order,
        both_mixed,
        wrong_lengths,
    )
    cases = [one for kind in kinds for one in kind()]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
