"""What an editor sees before readers do: preview files, and test mails.

A test mail goes to the given addresses only, is marked, has a sample link that unsubscribes nobody,
and touches no edition's ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from courant import log
from courant.clock import Clock
from courant.delivery import digest as digests
from courant.delivery.digest import Reader
from courant.delivery.ledger import Ledger
from courant.delivery.mailer import Accepted, Mailer
from courant.editions.frozen import PressingStore
from courant.editions.pressing import Frozen, Pressing
from courant.editions.requests import RequestStore
from courant.subscribers.links import Links


def preview_files(pressing: Pressing) -> Mapping[str, str]:
    """The digest of a reader of every section, as files: name → content."""
    digest = digests.join(pressing, Reader(), "#unsubscribe")
    if digest is None:
        return {}
    return {
        "digest.html": digest.html,
        "digest.txt": digest.text,
        "subject.txt": digest.subject,
    }


@dataclass(frozen=True, slots=True)
class Sampler:
    """Sends test mails."""

    requests: RequestStore
    pressings: PressingStore
    ledger: Ledger
    mailer: Mailer
    links: Links
    now: Clock

    def send(self, request_id: str) -> int:
        """Mail a composed test to its addresses, each once; the number mailed by this call."""
        request = self.requests.get(request_id)
        body = self.pressings.get_request(request_id, "pressing.json")
        if request is None or body is None:
            log.error("test", status="unknown", request=request_id)
            return 0
        pressing = Frozen.from_json(body).pressings[0]
        url = self.links.sample(request.newsletter)
        digest = digests.join(pressing, Reader(), url, test=True)
        mailed = 0
        if digest is None:
            return 0
        for to in request.to:
            # Claimed before it is sent: a test asked for once comes once, or says why not.
            if not self.ledger.once(request_id, sha256(to.encode()).hexdigest(), self.now()):
                continue
            raw = digests.message(pressing, digest, to=to, now=self.now(), unsubscribe_url=url)
            tags = {"request": request_id.replace(".", "_")}
            outcome = self.mailer.send(raw, to, pressing.masthead.sender_address, tags)
            mailed += isinstance(outcome, Accepted)
            log.event("test", status=type(outcome).__name__.lower(), request=request_id)
        return mailed
