"""A small OpenID Connect provider behind a port of this machine, with keys of its own; it signs by
`cryptography` alone, so that the hub's libraries check what they have not made.

`who` is signed in there. `claims`, `header` and `signed_by` make it lie; `down` makes it fail.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "hearthwatch", "client-s3cret"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Provider:
    def __init__(self) -> None:
        self.address = ""
        self.who = "subject-1"
        self.now_s = 0
        self.down = False
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.key = rsa.generate_private_key(65537, 2048)
        self.kid = "key-1"
        self.signed_by: rsa.RSAPrivateKey | None = None
        self.secret_as_key = b""
        self.asked: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens_made = 0

    def rotate(self) -> None:
        self.key, self.kid = rsa.generate_private_key(65537, 2048), "key-2"

    def says(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
        }

    def keys(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "kid": self.kid}
        return {"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent: the human agrees at once."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self.asked = asked
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """None: refused."""
        given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        if authorization != f"Basic {given}" or asked is None:
            return None
        verifier = form.get("code_verifier", "")
        if b64(hashlib.sha256(verifier.encode()).digest()) != asked["code_challenge"]:
            return None
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        self.tokens_made += 1
        return {"access_token": "x", "token_type": "Bearer", "id_token": self._id_token(asked)}

    def _id_token(self, asked: dict[str, str]) -> str:
        claims = {
            "iss": self.address,
            "sub": self.who,
            "aud": CLIENT,
            "iat": self.now_s,
            "exp": self.now_s + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.kid, **self.header}
        text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        if header["alg"] == "none":
            return f"{text}."
        if header["alg"] == "HS256":
            mac = hmac.new(self.secret_as_key, text.encode(), hashlib.sha256).digest()
            return f"{text}.{b64(mac)}"
        key = self.signed_by or self.key
        return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@contextmanager
def providing() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            if provider.down:
                self._answer(503, {})
            elif url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(asked))
                self.end_headers()
            elif url.path == "/keys":
                self._answer(200, provider.keys())
            else:
                self._answer(200, provider.says())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            said = provider.token(form, self.headers.get("Authorization", ""))
            self._answer(503 if provider.down else 400 if said is None else 200, said or {})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
