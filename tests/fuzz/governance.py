"""The objects of our own that are signed, and commits for `accept`."""

from coterie.governance.accept import accept
from coterie.governance.anchors import SealedAnchor
from coterie.governance.certificates import Certificate
from coterie.governance.device_lists import DeviceList
from coterie.governance.encoding import EncodingError
from coterie.governance.state import GroupState
from coterie.governance.warrants import LeaveStatement, decode_warrants, encode_warrants
from coterie.protocol.errors import Refused
from tests.fuzz.target import Target
from tests.governance import vectors
from tests.governance.people import Person
from tests.governance.scene import garden

OBJECTS = (
    SealedAnchor.decode,
    Certificate.decode,
    DeviceList.decode,
    GroupState.decode,
    LeaveStatement.decode,
    decode_warrants,
)


def objects() -> Target:
    scene = garden()
    person = Person.new("sam")
    device = person.new_device()
    leaving = scene.leaving(scene.member)
    warrants = [leaving, device.list_item(), scene.chat.proof(scene.link, device)]
    samples = [
        scene.state.encode(),
        person.devices.encode(),
        device.certificate.encode(),
        person.approve(device).certificate.encode(),
        leaving.encode(),
        encode_warrants(warrants),
        SealedAnchor(bytes(32), 1, bytes(32), bytes(32), bytes(32)).encode(),
    ]
    return Target([(parse, (EncodingError,)) for parse in OBJECTS], samples)


def commits() -> Target:
    file = vectors.read(vectors.ACCEPT)
    public = vectors.state_from_json(file["states"]["state-0"])
    cases = [case for case in file["cases"] if isinstance(case["commit"], str)]
    samples = [vectors.commit_from_json(case["commit"]) for case in cases]
    return Target([(lambda commit: accept(public, commit), (Refused,))], samples)
