# An access token for {{ client_id }} from {{ issuer_text }}, with Authlib.
#
#   pip install authlib requests
#   OAUTH_CLIENT_SECRET=… python authlib_client.py
#
# The access token is printed on stdout, everything else on stderr. A web application has a redirect URI of its own
# instead of this listener, and keeps state and verifier in the session of its user.
import os
{% if is_ipv6 %}
import socket
{% endif %}
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError

ISSUER = {{ issuer }}
METADATA_URL = {{ metadata_url }}
CLIENT_ID = {{ client_id }}
SCOPE = {{ scope }}
REDIRECT_HOST = {{ redirect_host }}
REDIRECT_PATH = {{ redirect_path }}


class RedirectUri(BaseHTTPRequestHandler):
    def do_GET(self):
        at = urlsplit(self.path)
        answer = parse_qs(at.query)
        # Whatever has another state is no answer to this request.
        if at.path != REDIRECT_PATH or answer.get("state") != [self.server.state]:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        said = "Not approved" if "error" in answer else "Done"
        self.wfile.write(f"{said}. This window can be closed.\n".encode())
        self.server.answers.put(at.query)

    def log_message(self, *_):
        pass


def access_token():
    secret = os.environ.get("OAUTH_CLIENT_SECRET") or sys.exit("OAUTH_CLIENT_SECRET is not set")
    metadata = requests.get(METADATA_URL, timeout=30).json()
    if metadata.get("issuer") != ISSUER:
        sys.exit(f"{METADATA_URL} is of {metadata.get('issuer')}, and {ISSUER} is meant")

{% if is_ipv6 %}
    ThreadingHTTPServer.address_family = socket.AF_INET6
{% endif %}
    # A thread for each connection: browsers open some ahead, and send nothing on them.
    server = ThreadingHTTPServer(({{ listen_host }}, {{ listen_port }}), RedirectUri)
    server.answers = Queue()
    client = OAuth2Session(
        CLIENT_ID,
        secret,
        scope=SCOPE,
        redirect_uri=f"http://{REDIRECT_HOST}:{server.server_port}{REDIRECT_PATH}",
        token_endpoint_auth_method="client_secret_basic",
        code_challenge_method="S256",
    )

    verifier = generate_token(48)
    url, server.state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"open this in a browser, sign in and approve:\n{url}", file=sys.stderr, flush=True)
    query = server.answers.get()

    answer = parse_qs(query)
    # RFC 9207: Authlib looks at the state, and leaves the issuer to its caller.
    if answer.get("iss") != [ISSUER]:
        sys.exit("the answer is another server's")
    # And without this it would ask for a token all the same, and report the error of that.
    if "error" in answer:
        raise OAuthError(answer["error"][0], answer.get("error_description", [None])[0])
    token = client.fetch_token(
        metadata["token_endpoint"],
        authorization_response=f"{client.redirect_uri}?{query}",
        state=server.state,
        code_verifier=verifier,
        timeout=30,
    )
    print(f"granted: {token['scope']}, for {token['expires_in']} s", file=sys.stderr)
    if "refresh_token" in token:
        token = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], timeout=30)
        print("refreshed", file=sys.stderr)
    return token["access_token"]


try:
    print(access_token())
except OAuthError as error:
    sys.exit(": ".join(filter(None, ["refused", error.error, error.description])))
# No server answers, or the port is taken.
except OSError as error:
    sys.exit(f"failed: {error}")
