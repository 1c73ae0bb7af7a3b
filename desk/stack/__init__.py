"""The local stack: template.yaml's resources in one process, with the real handlers."""

from desk.stack.calls import Call, Killed, Mail
from desk.stack.functions import Response
from desk.stack.queues import Failure, NotQuietError, Pumped, Queue
from desk.stack.stack import Stack

__all__ = [
    "Call",
    "Failure",
    "Killed",
    "Mail",
    "NotQuietError",
    "Pumped",
    "Queue",
    "Response",
    "Stack",
]
