#!/bin/sh
# An access token for {{ client_id }} from {{ issuer_text }}, with curl and openssl.
#
#   OAUTH_CLIENT_SECRET=… sh curl.sh
#
# The token response is printed on stdout, everything else on stderr. Nothing listens at the redirect URI: the address that
# the browser ends at is read from stdin.
set -eu

issuer={{ issuer_word }}
issuer_encoded={{ issuer_encoded }}
client_id={{ client_id_word }}
redirect_uri={{ redirect_uri_word }}
: "${OAUTH_CLIENT_SECRET:?is not set}"

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
verifier=$(openssl rand 32 | base64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
state=$(openssl rand 16 | base64url)

echo "open this in a browser, sign in and approve:" >&2
echo "$issuer/authorize?"{{ query_word }}"&state=$state&code_challenge=$challenge&code_challenge_method=S256" >&2
echo "then paste the address that the browser ends at:" >&2
read -r address

parameter() { printf %s "${address%%\#*}" | tr '?&' '\n\n' | sed -n "s/^$1=//p"; }
# For people: without the encoding, and without what would move a terminal.
readable() {
    parameter "$1" | LC_ALL=C awk '
        function digit(text, at) { return index("123456789abcdef", tolower(substr(text, at, 1))) }
        {
            gsub(/\+/, " ")
            count = split($0, part, "%")
            text = part[1]
            for (i = 2; i <= count; i++)
                text = text sprintf("%c", 16 * digit(part[i], 1) + digit(part[i], 2)) substr(part[i], 3)
            print text
        }' | tr -d '\000-\037\177'
}
[ "$(parameter state)" = "$state" ] || { echo "the answer belongs to another request" >&2; exit 1; }
case $(parameter iss) in
"$issuer" | "$issuer_encoded") ;;
*) echo "the answer is another server's" >&2; exit 1 ;;
esac
if [ -n "$(parameter error)" ]; then
    description=$(readable error_description)
    printf 'refused: %s\n' "$(readable error)${description:+: $description}" >&2
    exit 1
fi
code=$(parameter code)
[ -n "$code" ] || { echo "the answer has neither a code nor an error" >&2; exit 1; }

# The secret goes by stdin: arguments can be seen by other users of this machine. Code and verifier are used up here.
printf %s "$OAUTH_CLIENT_SECRET" | curl --silent --show-error --fail-with-body \
    --data-urlencode client_secret@- \
    --data-urlencode "client_id=$client_id" \
    --data-urlencode "redirect_uri=$redirect_uri" \
    --data grant_type=authorization_code \
    --data "code=$code" \
    --data "code_verifier=$verifier" \
    "$issuer/token"
echo
