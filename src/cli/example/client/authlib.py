# An access token for {{ client_id }} from {{ issuer_text }}, with Authlib.
#
#   pip install authlib requests
#   OAUTH_CLIENT_SECRET=… python authlib_client.py
#
# The access token is printed on stdout, everything else on stderr. A web application has a redirect URI of its own
# instead of this listener, and keeps state and verifier in the session of its user.
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

ISSUER = {{ issuer }}
METADATA_URL = {{ metadata_url }}
CLIENT_ID = {{ client_id }}
SCOPE = {{ scope }}
REDIRECT_HOST = {{ redirect_host }}
REDIRECT_PATH = {{ redirect_path }}


class RedirectUri(BaseHTTPRequestHandler):
    def do_GET(self):
        if urlsplit(self.path).path != REDIRECT_PATH:
            return self.send_error(404)
        self.server.answer = self.path
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"Done. This window can be closed.\n")

    def log_message(self, *_):
        pass


metadata = requests.get(METADATA_URL, timeout=30).json()
if metadata["issuer"] != ISSUER:
    sys.exit("another server answers")

server = HTTPServer(({{ listen_host }}, 0), RedirectUri)
server.answer = None
client = OAuth2Session(
    CLIENT_ID,
    os.environ["OAUTH_CLIENT_SECRET"],
    scope=SCOPE,
    redirect_uri=f"http://{REDIRECT_HOST}:{server.server_port}{REDIRECT_PATH}",
    token_endpoint_auth_method="client_secret_basic",
    code_challenge_method="S256",
)

verifier = generate_token(48)
url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
print(f"open this in a browser, sign in and approve:\n{url}", file=sys.stderr, flush=True)
while server.answer is None:
    server.handle_request()

answer = parse_qs(urlsplit(server.answer).query)
# RFC 9207: Authlib looks at the state, and leaves the issuer to its caller.
if answer.get("iss") != [ISSUER]:
    sys.exit("the answer is another server's")
token = client.fetch_token(
    metadata["token_endpoint"],
    authorization_response=client.redirect_uri + "?" + urlsplit(server.answer).query,
    state=state,
    code_verifier=verifier,
    timeout=30,
)
print(f"granted: {token['scope']}, for {token['expires_in']} s", file=sys.stderr)
if "refresh_token" in token:
    token = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], timeout=30)
    print("refreshed", file=sys.stderr)
print(token["access_token"])
