"""CSS into style attributes. The only module that loads premailer (and so lxml and cssutils)."""

import logging

from premailer import Premailer


def inline(html: str) -> str:
    """The page with our CSS inlined.

    premailer's defaults would fetch from the network, drop ``!important`` (dark mode) and
    re-indent the page, after which a joined digest would differ from one rendered alone.
    """
    return str(
        Premailer(
            html,
            allow_network=False,
            strip_important=False,
            keep_style_tags=False,
            remove_classes=False,
            disable_validation=True,
            cssutils_logging_level=logging.CRITICAL,
            align_floating_images=False,
            # The templates size tables and pictures themselves; premailer would copy `100%` and
            # `auto` from the style into the attributes that Outlook goes by.
            disable_basic_attributes=["width", "height"],
        ).transform(pretty_print=False)
    )
