"""What the AWS account may send, asked of SES."""

from __future__ import annotations

import math
from typing import Any

from courant import aws
from courant.delivery.allowance import Account

_UNLIMITED = -1


class AccountReader:
    """Asks SESv2 GetAccount (1 call a second is allowed, so ask once for all)."""

    def __init__(self, ses: Any = None) -> None:
        """``ses``: a sesv2 client; one is made at the first ``read`` without it."""
        self._ses = ses

    def read(self) -> Account:
        """What the account may do now.

        Raises:
            botocore.exceptions.ClientError: SES would not say (AccessDenied…).
        """
        self._ses = self._ses or aws.client("sesv2")
        answer = self._ses.get_account()
        # The model calls every field optional. What is missing is taken for what makes no trouble,
        # but for the rate: nothing is slower than 1 a second.
        quota = answer.get("SendQuota", {})
        daily = math.floor(quota.get("Max24HourSend", _UNLIMITED))
        return Account(
            max_rate=float(quota.get("MaxSendRate", 1.0)),
            daily_quota=None if daily == _UNLIMITED else daily,
            sent_24h=math.ceil(quota.get("SentLast24Hours", 0)),
            sending=bool(answer.get("SendingEnabled", True)),
            production=bool(answer.get("ProductionAccessEnabled", True)),
            enforcement=str(answer.get("EnforcementStatus", "HEALTHY")),
        )
