"""What the two sides say to each other: versions, message types, limits and the pace of the heartbeat."""

from enum import StrEnum

PROTOCOL = 1  # changed whenever an older peer would misread a message
VERSION = "0.1.0"  # of the product; blender_manifest.toml carries the same

HEARTBEAT_SECONDS = 1.0
MISSES_UNTIL_DEAD = 3
LONGEST_PAUSE_SECONDS = 32.0  # of the client between two attempts to connect
REPLAY_WINDOW_SECONDS = 300.0  # older messages are refused; digests are remembered that long

MAX_HEADER_BYTES = 1 << 20
MAX_ARRAYS = 4096
MAX_PARTS = 20_000
MAX_PART_BYTES = 1 << 31
MAX_MESSAGE_BYTES = 1 << 33
ZERO_COPY_BYTES = 1 << 16  # below, copying into the socket is cheaper than handing over a pointer


class Type(StrEnum):
    """Every message type; a side that hears one meant for the other side refuses it."""

    # client to server, request socket
    HELLO = "hello"  # who I am and which versions I speak
    SUBMIT = "submit"  # a job: its id and its request
    JOBS = "jobs"  # list the jobs you know
    FETCH = "fetch"  # send the result of a job
    # client to server, control socket
    PING = "ping"  # are you the server of this connection file
    CANCEL = "cancel"  # stop this job
    STATUS = "status"  # what are you doing
    STOP = "stop"  # end yourself; jobs stay in the ledger
    # server to client, in answer
    WELCOME = "welcome"  # versions, engines, start id
    ACCEPTED = "accepted"  # the job is on disk; it will be worked on
    REFUSED = "refused"  # the request cannot be met, and why
    JOB_LIST = "job_list"  # one entry a job
    RESULT = "result"  # kind, fields and arrays of a result
    PONG = "pong"  # yes, with the start id
    CANCEL_NOTED = "cancel_noted"  # the job counts as cancelled from now on
    STATUS_IS = "status_is"  # what the server is doing
    STOPPING = "stopping"  # the server ends itself now
    # server to everyone, event socket
    HEARTBEAT = "heartbeat"  # I live; the number of the ledger's last change
    PROGRESS = "progress"  # how far the running job is
    PREVIEW = "preview"  # how its video looks so far; a peer that does not know it drops it
    STATE = "state"  # a job changed its state
    ENGINES = "engines"  # what the engines can do here, once the worker knows
    ENDING = "ending"  # the server ends itself, and why


FOR_REQUESTS = frozenset({Type.HELLO, Type.SUBMIT, Type.JOBS, Type.FETCH})
FOR_CONTROL = frozenset({Type.PING, Type.CANCEL, Type.STATUS, Type.STOP})
FOR_CLIENT = frozenset(Type) - FOR_REQUESTS - FOR_CONTROL


def version_sentence(theirs: object, *, side: str) -> str:
    """Why two versions cannot work together, for the user. side: who is on the other end, "backend" or "extension"."""
    return (
        f"The {side} speaks version {theirs} of the wire protocol, this side version {PROTOCOL}. "
        "Press Stop and then Start in the Backend panel (in a terminal: python -m backend stop), so that both are of one version."
    )
