"""Why an edition stands still, in words: what happened, and what to mend. Pure.

The editor who finds it paused reads this at the desk, so it names where one can do something. The
codes of SES are those of delivery/mailer.py that stop every mail, not one reader's.
"""

from __future__ import annotations

# Reasons of our own; deliver writes them on the chunk's row.
QUOTA = "quota"
TOO_LATE = "too late"
ALL_REFUSED = "every mail refused"
NO_ANSWER = "no answer"
TOO_OLD = "too old"
UNREADABLE = "unreadable pressing"
ANOTHER_EPOCH = "another epoch"
THROTTLED = "throttled"

_OURS = frozenset(
    {
        QUOTA,
        TOO_LATE,
        ALL_REFUSED,
        NO_ANSWER,
        TOO_OLD,
        UNREADABLE,
        ANOTHER_EPOCH,
        THROTTLED,
    }
)

_NOT_VERIFIED = (
    "SES did not send: an address or its domain is not verified. Publish the DNS records that SES"
    " lists for {domain} (SES console, Identities) and wait until it says verified; in the sandbox"
    " every reader's address must be verified too. Then resume."
)
_NO_CONFIGURATION_SET = (
    "The configuration set that digests go through is missing in SES. Deploy the stack again, which"
    " makes it, then resume."
)
_CREDENTIALS = (
    "AWS did not accept the credentials of the deliver function. This mostly passes by itself:"
    " resume; if it comes again, deploy the stack anew so that the function's role is in order."
)
_DAILY_QUOTA = (
    "The day's SES quota is used up. Resume with --spread to send the rest as it comes free, or"
    " resume tomorrow; a higher quota is asked for in Service Quotas, Amazon SES."
)

_SENTENCES = {
    "AccessDeniedException": (
        "AWS does not let the deliver function send as {sender}. The stack allows addresses of its"
        " parameter SenderDomain only: deploy it with {domain}, or mend the newsletter's sender."
        " Then resume."
    ),
    "AccountSuspendedException": (
        "AWS has suspended this account's sending for good. Only AWS Support can lift that (SES"
        " console, Reputation metrics); resume when they have, or cancel."
    ),
    "BadRequestException": _NOT_VERIFIED,
    "ConfigurationSetDoesNotExistException": _NO_CONFIGURATION_SET,
    "ExpiredTokenException": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "LimitExceededException": _DAILY_QUOTA,
    "MailFromDomainNotVerifiedException": (
        "The custom MAIL FROM domain of {domain} is not verified. Publish its MX and SPF records"
        " (SES console, Identities), or take the custom MAIL FROM away. Then resume."
    ),
    "MessageRejected": _NOT_VERIFIED,
    "NotFoundException": _NO_CONFIGURATION_SET,
    "SendingPausedException": (
        "Sending is paused in SES, for the account or for the configuration set of digests. See why"
        " in the SES console (Reputation metrics), switch it on again, then resume."
    ),
    "SignatureDoesNotMatch": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "ValidationException": _NOT_VERIFIED,
    QUOTA: _DAILY_QUOTA,
    TOO_LATE: (
        "Its hour passed by more than the newsletter's max_lateness before everybody was mailed."
        " Resume to send the rest all the same, or cancel."
    ),
    ALL_REFUSED: (
        "SES refused one mail after another, so the fault is hardly the readers'. See the reasons"
        " (`courant editions show`), mend the newsletter or its sender, then resume."
    ),
    NO_ANSWER: (
        "SES gave no answer about one mail after another, so whether they went out is not known."
        " See the AWS Health Dashboard and the deliver function's log; resume when SES answers"
        " again. Of those in doubt no more is tried unless you ask for it when all is over."
    ),
    TOO_OLD: (
        "It has been going out for over a week, and of who left since not everybody is known any"
        " more. Cancel it: who has it keeps it, and the next edition carries what is new."
    ),
    UNREADABLE: (
        "Another version of Courant froze this edition and this one can't read it. Deploy that"
        " version and resume; or cancel, and the next edition carries what is new."
    ),
    THROTTLED: (
        "For a day SES took no mail of a part of its readers: too many at once, or it could not be"
        " reached. See the deliver function's log and the account's rate in the SES console, then"
        " resume."
    ),
    ANOTHER_EPOCH: (
        "It was begun before the tables were restored from a backup, so it may have been sent"
        " since. Cancel it; the next edition carries what is new."
    ),
}
_UNKNOWN = (
    "SES stopped every mail with {code}, which Courant does not know. The deliver function's log"
    " has more; mend what it says, then resume."
)


def sentence(reason: str, sender: str = "") -> str:
    """What happened and what to mend, in two or three sentences, with the code for looking up.

    Args:
        reason: SES's error code or one of this module's; what follows ``": "`` is a detail.
        sender: the newsletter's From address.
    """
    code, _, detail = reason.partition(": ")
    domain = sender.rpartition("@")[2] or "the sender's domain"
    words = _SENTENCES.get(code, _UNKNOWN)
    said = words.format(code=code, sender=sender or "the newsletter's sender", domain=domain)
    looked_up = "" if code in _OURS or words is _UNKNOWN else code
    aside = ": ".join(filter(None, (looked_up, detail)))
    return f"{said} ({aside})" if aside else said
