"""What AWS asks, in dollars: list prices of us-east-1 without free tiers, read on 2026-11-22.

SES: AWS's Price List API of 2026-07-22; new accounts start on Essentials since the day before, and
can go back to paying by the mail (``PutAccountPricingAttributes``). DynamoDB: on-demand, standard
table class, as since November 2024. Lambda: arm64, the template's default (x86_64: a quarter more).
SNS asks nothing for handing messages to SQS. Other regions ask up to twice as much, SES the same.
"""

from __future__ import annotations

from typing import Final

SES_MAIL: Final = 0.10 / 1_000  # by the mail ("à la carte")
SES_MAIL_ESSENTIALS: Final = 0.16 / 1_000

DYNAMODB_WRITE_UNIT: Final = 0.625 / 1_000_000
DYNAMODB_READ_UNIT: Final = 0.125 / 1_000_000
DYNAMODB_GB_MONTH: Final = 0.25

LAMBDA_GB_SECOND: Final = 0.0000133334
LAMBDA_REQUEST: Final = 0.20 / 1_000_000

SNS_PUBLISH: Final = 0.50 / 1_000_000
SQS_REQUEST: Final = 0.40 / 1_000_000

S3_GET: Final = 0.40 / 1_000_000
LOGS_GB: Final = 0.50  # CloudWatch Logs, taken in
