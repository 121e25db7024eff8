// An access token for {{ client_id }} from {{ issuer_text }}, with oauth4webapi.
//
//   npm install oauth4webapi
//   OAUTH_CLIENT_SECRET=… node oauth4webapi.mjs
//
// The access token is printed on stdout, everything else on stderr. A web application has a redirect URI of its own
// instead of this listener, and keeps state and verifier in the session of its user.
import { createServer } from 'node:http'
import * as oauth from 'oauth4webapi'

const issuer = new URL({{ issuer }})
const scope = {{ scope }}
const path = {{ redirect_path }}
const secret = process.env.OAUTH_CLIENT_SECRET
if (!secret) throw new Error('OAUTH_CLIENT_SECRET is not set')
{% if is_http %}
// For a server on this machine only.
const options = { [oauth.allowInsecureRequests]: true }
{% else %}
const options = {}
{% endif %}

const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options })
const as = await oauth.processDiscoveryResponse(issuer, discovered)
const client = { client_id: {{ client_id }} }
const authentication = oauth.ClientSecretBasic(secret)

const server = createServer()
await new Promise((listening) => server.listen(0, {{ listen_host }}, listening))
const redirectUri = 'http://' + {{ redirect_host }} + `:${server.address().port}${path}`

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const url = new URL(as.authorization_endpoint)
url.search = new URLSearchParams({
  response_type: 'code',
  client_id: client.client_id,
  redirect_uri: redirectUri,
  scope,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
console.error(`open this in a browser, sign in and approve:\n${url.href}`)

const answer = await new Promise((answered) => {
  server.on('request', (request, response) => {
    const at = new URL(request.url, redirectUri)
    const isOurs = at.pathname === path && at.searchParams.get('state') === state
    response.writeHead(isOurs ? 200 : 404, { 'Content-Type': 'text/plain', Connection: 'close' })
    response.end(isOurs ? 'Done. This window can be closed.\n' : 'not found\n')
    if (isOurs) answered(at)
  })
})
server.close()

// Looks at state and issuer (RFC 9207).
const parameters = oauth.validateAuthResponse(as, client, answer, state)
const response = await oauth.authorizationCodeGrantRequest(
  as, client, authentication, parameters, redirectUri, verifier, options,
)
let tokens = await oauth.processAuthorizationCodeResponse(as, client, response)
console.error(`granted: ${tokens.scope}, for ${tokens.expires_in} s`)
if (tokens.refresh_token) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, options)
  tokens = await oauth.processRefreshTokenResponse(as, client, response)
  console.error('refreshed')
}
console.log(tokens.access_token)
