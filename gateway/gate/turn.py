"""TURN credentials in coturn's REST form (draft-uberti-behave-turn-rest-00). No session is looked up here."""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnCredential:
    """What a browser hands to a TURN server, and where the servers are."""

    username: str
    password: str
    ttl: timedelta
    uris: tuple[str, ...]

    @property
    def ice_servers(self) -> list[dict[str, object]]:
        """Return the `RTCIceServer` list of the WebRTC API (W3C webrtc section 4.2.4)."""
        return [{"urls": list(self.uris), "username": self.username, "credential": self.password}]


def issue(secret: str, *, session_id: str, uris: Sequence[str], ttl: timedelta, now: datetime) -> TurnCredential:
    """Return a credential that the TURN server accepts for new allocations until `now + ttl`."""
    username = f"{int((now + ttl).timestamp())}:{session_id}"
    return TurnCredential(username=username, password=password(secret, username), ttl=ttl, uris=tuple(uris))


def password(secret: str, username: str) -> str:
    """Return base64(HMAC-SHA1(secret, username)): what coturn computes with `use-auth-secret`."""
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()
