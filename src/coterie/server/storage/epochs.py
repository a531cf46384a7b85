"""What the MLS delivery service keeps: public states, anchors, GroupInfos, Welcomes, departures."""

from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Anchor, Departure, PublicState, Welcome
from coterie.server.storage.views import Entrance


async def set_public_state(tx: Tx, conversation_id: UUID, epoch: int, state: bytes) -> None:
    await tx.run(
        """INSERT INTO public_states (conversation_id, epoch, state) VALUES ($1, $2, $3)
           ON CONFLICT (conversation_id) DO UPDATE SET epoch = $2, state = $3""",
        conversation_id,
        epoch,
        state,
    )


async def get_public_state(tx: Tx, conversation_id: UUID) -> PublicState | None:
    return await tx.one(
        PublicState, "SELECT * FROM public_states WHERE conversation_id = $1", conversation_id
    )


async def add_anchor(tx: Tx, anchor: Anchor) -> None:
    await tx.run(
        """INSERT INTO anchors (conversation_id, epoch, group_context, ratchet_tree,
                                confirmation_tag)
           VALUES ($1, $2, $3, $4, $5)""",
        anchor.conversation_id,
        anchor.epoch,
        anchor.group_context,
        anchor.ratchet_tree,
        anchor.confirmation_tag,
    )


async def get_anchor(tx: Tx, conversation_id: UUID, epoch: int) -> Anchor | None:
    return await tx.one(
        Anchor,
        "SELECT * FROM anchors WHERE conversation_id = $1 AND epoch = $2",
        conversation_id,
        epoch,
    )


async def remove_unused_anchors(tx: Tx, conversation_id: UUID) -> None:
    """Epoch 0 stays, and the epoch of each live link."""
    await tx.run(
        """DELETE FROM anchors a WHERE a.conversation_id = $1 AND a.epoch > 0 AND NOT EXISTS (
               SELECT FROM group_invites i
               WHERE i.group_id = a.conversation_id AND i.anchor_epoch = a.epoch)""",
        conversation_id,
    )


async def set_group_info(
    tx: Tx, conversation_id: UUID, device_id: UUID, epoch: int, group_info: bytes
) -> None:
    """One per signing device; the candidates of earlier epochs go."""
    await tx.run(
        "DELETE FROM group_infos WHERE conversation_id = $1 AND (epoch < $2 OR device_id = $3)",
        conversation_id,
        epoch,
        device_id,
    )
    await tx.run(
        """INSERT INTO group_infos (conversation_id, device_id, epoch, group_info)
           VALUES ($1, $2, $3, $4)""",
        conversation_id,
        device_id,
        epoch,
        group_info,
    )


async def count_group_infos(tx: Tx, conversation_id: UUID, except_id: UUID) -> int:
    """The candidates by other devices."""
    count = await tx.value(
        int,
        "SELECT count(*) FROM group_infos WHERE conversation_id = $1 AND device_id <> $2",
        conversation_id,
        except_id,
    )
    return count or 0


async def get_entrance(tx: Tx, conversation_id: UUID) -> Entrance | None:
    """In one statement, so that all of it is of one epoch. The committer's GroupInfo is last."""
    return await tx.one(
        Entrance,
        """SELECT s.epoch, c.seq, s.state, coalesce((
               SELECT array_agg(i.group_info ORDER BY
                   i.device_id IS NOT DISTINCT FROM e.device_id, i.created_at DESC)
               FROM group_infos i LEFT JOIN entries e
                 ON e.conversation_id = i.conversation_id AND e.epoch = i.epoch AND e.kind = 7
               WHERE i.conversation_id = $1), '{}') AS group_infos
           FROM public_states s JOIN conversations c ON c.id = s.conversation_id
           WHERE s.conversation_id = $1""",
        conversation_id,
    )


async def add_welcome(
    tx: Tx,
    *,
    conversation_id: UUID,
    device_id: UUID,
    epoch: int,
    seq: int,
    chain_before: bytes,
    welcome: bytes,
    ratchet_tree: bytes,
) -> None:
    await tx.run(
        """INSERT INTO welcomes (conversation_id, device_id, epoch, seq, chain_before, welcome,
                                 ratchet_tree)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        conversation_id,
        device_id,
        epoch,
        seq,
        chain_before,
        welcome,
        ratchet_tree,
    )


async def list_welcomes(tx: Tx, device_id: UUID, byte_limit: int) -> list[Welcome]:
    """The oldest that wait for this device: in `byte_limit`, but at least one."""
    return await tx.all(
        Welcome,
        """SELECT conversation_id, device_id, epoch, seq, chain_before, welcome, ratchet_tree,
                  created_at
           FROM (
               SELECT *, row_number() OVER oldest AS place,
                      sum(octet_length(welcome) + octet_length(ratchet_tree)) OVER oldest AS bytes
               FROM welcomes WHERE device_id = $1
               WINDOW oldest AS (ORDER BY created_at, conversation_id)
           ) waiting WHERE place = 1 OR bytes <= $2 ORDER BY place""",
        device_id,
        byte_limit,
    )


async def remove_welcome(tx: Tx, device_id: UUID, conversation_id: UUID) -> None:
    await tx.run(
        "DELETE FROM welcomes WHERE device_id = $1 AND conversation_id = $2",
        device_id,
        conversation_id,
    )


async def add_departure(
    tx: Tx, conversation_id: UUID, user_id: UUID, statement: bytes, seq: int
) -> None:
    """A person who leaves again names all seats again: the newer statement counts."""
    await tx.run(
        """INSERT INTO departures (conversation_id, user_id, statement, seq)
           VALUES ($1, $2, $3, $4)
           ON CONFLICT (conversation_id, user_id) DO UPDATE SET statement = $3, seq = $4""",
        conversation_id,
        user_id,
        statement,
        seq,
    )


async def list_departures(tx: Tx, conversation_id: UUID) -> list[Departure]:
    return await tx.all(
        Departure, "SELECT * FROM departures WHERE conversation_id = $1", conversation_id
    )


async def has_departures(tx: Tx, conversation_id: UUID) -> bool:
    found = await tx.value(
        int, "SELECT 1 FROM departures WHERE conversation_id = $1 LIMIT 1", conversation_id
    )
    return found is not None


async def remove_departure(tx: Tx, conversation_id: UUID, user_id: UUID) -> None:
    await tx.run(
        "DELETE FROM departures WHERE conversation_id = $1 AND user_id = $2",
        conversation_id,
        user_id,
    )
