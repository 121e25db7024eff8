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
if (!secret) {
  console.error('OAUTH_CLIENT_SECRET is not set')
  process.exit(1)
}

// What the server refuses has an error code; anything else has a message, and perhaps a cause or a status.
async function failed(fault) {
  // A wrong secret is thrown as a challenge, and the error stands in the body.
  const refusal = fault.error ? fault : await fault.response?.json().catch(() => undefined)
  const told = refusal?.error
    ? ['refused', refusal.error, refusal.error_description]
    : ['failed', fault.message, fault.cause?.message ?? fault.cause?.status]
  console.error(told.filter(Boolean).join(': '))
  process.exit(1)
}
{% if is_http %}
// For a server on this machine only.
const options = { [oauth.allowInsecureRequests]: true }
{% else %}
const options = {}
{% endif %}

const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }).catch(failed)
const as = await oauth.processDiscoveryResponse(issuer, discovered).catch(failed)
const client = { client_id: {{ client_id }} }
const authentication = oauth.ClientSecretBasic(secret)

const server = createServer().once('error', failed)
await new Promise((listening) => server.listen({{ listen_port }}, {{ listen_host }}, listening))
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
    const said = at.searchParams.has('error') ? 'Not approved' : 'Done'
    response.end(isOurs ? `${said}. This window can be closed.\n` : 'not found\n', () => isOurs && answered(at))
  })
})
server.close()
// Browsers open connections ahead, and send nothing on them.
server.closeAllConnections()

// Looks at issuer (RFC 9207) and state, and then at the error.
async function exchanged() {
  const parameters = oauth.validateAuthResponse(as, client, answer, state)
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, parameters, redirectUri, verifier, options,
  )
  return oauth.processAuthorizationCodeResponse(as, client, response)
}

async function refreshed(token) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, token, options)
  return oauth.processRefreshTokenResponse(as, client, response)
}

let tokens = await exchanged().catch(failed)
console.error(`granted: ${tokens.scope}, for ${tokens.expires_in} s`)
if (tokens.refresh_token) {
  tokens = await refreshed(tokens.refresh_token).catch(failed)
  console.error('refreshed')
}
console.log(tokens.access_token)
