"""The names of a document's elements as feedparser calls them: ``dc_creator``, ``pubdate``.

A known namespace has a name of its own, whatever its prefix; in an unknown one the prefix counts.
"""

from __future__ import annotations

from collections.abc import Iterable

# feedparser's list (mixin.py), in lower case: the namespaces whose elements have plain names, and
# those with a prefix of their own.
_NO_PREFIX = (
    "http://backend.userland.com/rss http://blogs.law.harvard.edu/tech/rss "
    "http://purl.org/rss/1.0/ http://my.netscape.com/rdf/simple/0.9/ "
    "http://example.com/newformat# http://example.com/necho http://purl.org/echo/ "
    "uri/of/echo/namespace# http://purl.org/pie/ http://purl.org/atom/ns# "
    "http://www.w3.org/2005/atom http://purl.org/rss/1.0/modules/rss091#"
)
_PREFIXED = """
http://purl.org/rss/1.0/modules/aggregation/ ag
http://purl.org/rss/1.0/modules/annotate/ annotate
http://purl.org/rss/1.0/modules/company co
http://purl.org/rss/1.0/modules/content/ content
http://purl.org/rss/1.0/modules/email/ email
http://purl.org/rss/1.0/modules/event/ ev
http://purl.org/rss/1.0/modules/image/ image
http://purl.org/rss/1.0/modules/link/ l
http://purl.org/rss/1.0/modules/reference/ ref
http://purl.org/rss/1.0/modules/richequiv/ reqv
http://purl.org/rss/1.0/modules/search/ search
http://purl.org/rss/1.0/modules/slash/ slash
http://purl.org/rss/1.0/modules/servicestatus/ ss
http://purl.org/rss/1.0/modules/subscription/ sub
http://purl.org/rss/1.0/modules/syndication/ sy
http://purl.org/rss/1.0/modules/taxonomy/ taxo
http://purl.org/rss/1.0/modules/threading/ thr
http://purl.org/rss/1.0/modules/textinput/ ti
http://purl.org/rss/1.0/modules/wiki/ wiki
http://webns.net/mvcb/ admin
http://media.tangent.org/rss/1.0/ audio
http://backend.userland.com/blogchannelmodule blogchannel
http://creativecommons.org/ns#license cc
http://web.resource.org/cc/ cc
http://cyber.law.harvard.edu/rss/creativecommonsrssmodule.html creativecommons
http://backend.userland.com/creativecommonsrssmodule creativecommons
http://my.theinfo.org/changed/1.0/rss/ cp
http://purl.org/dc/elements/1.1/ dc
http://purl.org/dc/terms/ dcterms
http://rssnamespace.org/feedburner/ext/1.0 feedburner
http://freshmeat.net/rss/fm/ fm
http://xmlns.com/foaf/0.1/ foaf
http://www.w3.org/2003/01/geo/wgs84_pos# geo
http://www.georss.org/georss georss
http://www.opengis.net/gml gml
http://postneo.com/icbm/ icbm
http://www.itunes.com/dtds/podcast-1.0.dtd itunes
http://example.com/dtds/podcast-1.0.dtd itunes
http://search.yahoo.com/mrss media
http://search.yahoo.com/mrss/ media
http://madskills.com/public/xml/rss/module/pingback/ pingback
http://prismstandard.org/namespaces/1.2/basic/ prism
http://www.w3.org/1999/02/22-rdf-syntax-ns# rdf
http://www.w3.org/2000/01/rdf-schema# rdfs
http://schemas.xmlsoap.org/soap/envelope/ soap
http://hacks.benhammersley.com/rss/streaming/ str
http://schemas.pocketsoap.com/rss/mydescmodule/ szf
http://madskills.com/public/xml/rss/module/trackback/ trackback
http://wellformedweb.org/commentapi/ wfw
http://www.w3.org/1999/xhtml xhtml
http://www.w3.org/1999/xlink xlink
http://www.w3.org/xml/1998/namespace xml
http://podlove.org/simple-chapters psc
"""
NAMESPACES = dict.fromkeys(_NO_PREFIX.split(), "")
NAMESPACES |= zip(_PREFIXED.split()[::2], _PREFIXED.split()[1::2], strict=True)
_USERLAND = "backend.userland.com/rss"
_XLINK = "http://www.w3.org/1999/xlink"

# Elements with handlers in feedparser that leave alone what we read, if nothing is in them.
HARMLESS = frozenset(
    {
        *("cloud", "copyright", "email", "expirationdate", "generator", "height", "homepage"),
        *("info", "name", "rights", "subtitle", "tagline", "uri", "url", "webmaster", "width"),
        *("dc_contributor", "dc_publisher", "dc_rights", "itunes_block", "itunes_email"),
        *("itunes_explicit", "itunes_name", "itunes_subtitle", "media_credit", "media_license"),
        *("media_player", "media_rating", "media_restriction", "cc_license"),
        *("creativecommons_license",),
        *("georss_box", "georss_line", "georss_point", "georss_polygon"),
        *("feedburner_browserfriendly", "feedburner_origlink"),
        *("ttl", "sy_updatefrequency", "sy_updateperiod"),
    }
)
# Elements with handlers in feedparser that we read, or leave to it.
_HANDLED = frozenset(
    {
        *("abstract", "author", "body", "category", "channel", "content", "contributor"),
        *("created", "description", "enclosure", "entry", "feed", "fullitem", "guid", "id"),
        *("image", "issued", "item", "keywords", "language", "lastbuilddate", "link"),
        *("managingeditor", "modified", "newlocation", "pubdate", "published", "rss", "source"),
        *("summary", "tags", "textinput", "title", "updated", "where", "content_encoded"),
        *("dc_author", "dc_creator", "dc_date", "dc_description"),
        *("dc_language", "dc_subject", "dc_title", "dcterms_created", "dcterms_issued"),
        *("dcterms_modified", "dcterms_valid", "georss_where", "geom", "georssgeom"),
        *("itunes_author", "itunes_category", "itunes_image"),
        *("itunes_keywords", "itunes_link", "itunes_owner", "itunes_summary", "media_category"),
        *("media_content", "media_description", "media_group", "media_keywords"),
        *("media_thumbnail", "media_title", "xhtml_body"),
    }
)
# feedparser puts elements it doesn't know beside those it does, under names we read.
_RESERVED = frozenset(
    {
        *("authors", "author_detail", "links", "title_detail", "summary_detail"),
        *("published_parsed", "updated_parsed", "created_parsed", "date_parsed"),
        *("modified_parsed", "issued_parsed", "description_detail", "hour", "day", "guidislink"),
        *("skiphours", "skipdays"),
    }
)
_KNOWN = HARMLESS | _HANDLED | _RESERVED


class HarmfulNameError(Exception):
    """Names that only feedparser can sort out."""


class Names(dict[str, str]):
    """Tags as ElementTree writes them (``{uri}Local``) → names; filled as they are asked for.

    ``declared`` are the document's namespaces: prefix, URI.
    """

    def __init__(self, declared: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._written: dict[str, str] = {}
        self._standing_for: dict[str, str] = {}
        uris: dict[str, str] = {}
        for prefix, uri in declared:
            known = _known(uri)
            # Where a name means one thing here and another there, the order of elements counts.
            if uris.setdefault(prefix, uri) != uri or uri.lower() == _XLINK:
                raise HarmfulNameError
            if known is None and self._written.setdefault(uri, prefix) != prefix:
                raise HarmfulNameError
            if known is not None and prefix:
                self._standing_for[prefix] = known

    def __missing__(self, tag: str) -> str:
        uri, _, local = tag[1:].partition("}") if tag[0] == "{" else ("", "", tag)
        prefix = _known(uri) if uri else ""
        if prefix is None:
            prefix = self._written[uri].lower()
        prefix = self._standing_for.get(prefix, prefix)
        local = local.lower()
        self[tag] = name = f"{prefix}_{local}" if prefix else local
        return name


def is_unknown(name: str) -> bool:
    """Whether feedparser only stores an element of that name, and not where we look."""
    return name not in _KNOWN and not name.startswith(("gml_", "psc_"))


def _known(uri: str) -> str | None:
    uri = uri.lower()
    return "" if _USERLAND in uri else NAMESPACES.get(uri)
