"""RFC 3986, appendix A, as regular expressions: the parts that sign-in texts are made of. Grammar only.

No repetition can end where it could also go on, hence they are possessive and a match is linear in the text. What
stands for characters takes a run of them at once, or an escape: to be repeated possessively, and only so.
"""

UNRESERVED = r"A-Za-z0-9\-._~"
GEN_DELIMS = r":/?#\[\]@"
SUB_DELIMS = r"!$&'()*+,;="
_PCT = r"%[0-9A-Fa-f]{2}"

PCHARS = rf"(?:[{UNRESERVED}{SUB_DELIMS}:@]++|{_PCT})"
SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*+"

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    (
        rf"(?:{_H16}:){{6}}{_LS32}",
        rf"::(?:{_H16}:){{5}}{_LS32}",
        rf"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,1}}{_H16})?::(?:{_H16}:){{3}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,2}}{_H16})?::(?:{_H16}:){{2}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,3}}{_H16})?::{_H16}:{_LS32}",
        rf"(?:(?:{_H16}:){{0,4}}{_H16})?::{_LS32}",
        rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        rf"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    )
)
_IPVFUTURE = rf"[vV][0-9A-Fa-f]+\.[{UNRESERVED}{SUB_DELIMS}:]+"
_USERINFO = rf"(?:(?:[{UNRESERVED}{SUB_DELIMS}:]++|{_PCT})*+@)?"
_PORT = r"(?::[0-9]*)?"
_LITERAL = rf"\[(?:{_IPV6}|{_IPVFUTURE})\]"
_NAME = rf"(?:[{UNRESERVED}{SUB_DELIMS}]++|{_PCT})"  # reg-name; every IPv4address is one too

AUTHORITY = rf"{_USERINFO}(?:{_LITERAL}|{_NAME}*+){_PORT}"
NAMED_AUTHORITY = rf"{_USERINFO}(?:{_LITERAL}|{_NAME}++){_PORT}"
"""An authority whose host is not empty, as a sign-in text must name whom it is for."""

_ABEMPTY = rf"(?:/(?:[{UNRESERVED}{SUB_DELIMS}:@/]++|{_PCT})*+)?+"
_ABSOLUTE = rf"/(?:{PCHARS}++{_ABEMPTY})?"
_ROOTLESS = rf"{PCHARS}++{_ABEMPTY}"
_QUERY = rf"(?:[{UNRESERVED}{SUB_DELIMS}:@/?]++|{_PCT})*+"
URI = rf"{SCHEME}:(?://{AUTHORITY}{_ABEMPTY}|{_ABSOLUTE}|{_ROOTLESS}|)(?:\?{_QUERY})?(?:#{_QUERY})?"
