import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { commonNameAlone } from '@fleetcert/emqx-auth/unsafe'
import { openBenchFleet } from './auth-fill.ts'
import type { AuthMessage, ConnectIdentity } from './auth-messages.ts'

// What RabbitMQ asks, a process of its own: a server that says `allow` to everybody, or asks the fleet. It is told which; the broker, its connections and the rest of the server are the same in both.

const [folder = '', place = '', count = ''] = process.argv.slice(2)
const fleet = await openBenchFleet(folder, true)
const auth = createBrokerAuth({ fleet, identifyBy: commonNameAlone })
let asksFleet = false

async function decide(path: string, form: URLSearchParams): Promise<boolean> {
  const commonName = form.get('username') ?? ''
  // Two questions for each connect, and both must be allowed. The first has the user name alone, the second the client id as well: so that one decides.
  if (path === '/auth/user') return commonName !== ''
  if (path !== '/auth/vhost') return false
  const clientId = form.get('client_id') ?? ''
  const decision = await auth.authenticate({ clientId, commonName, subject: `CN=${commonName}` })
  return decision.result === 'allow'
}

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const parts: Buffer[] = []
  const answer = (isAllowed: boolean): void => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.end(isAllowed ? 'allow' : 'deny')
  }
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const text = Buffer.concat(parts).toString('latin1')
    if (asksFleet) void decide(request.url ?? '', new URLSearchParams(text)).then(answer)
    else answer(true)
  })
})

const issued = await fleet.issueServer({ hosts: ['127.0.0.1'] })
const trust = issued.chain + fleet.trustAnchors
writeFileSync(join(place, 'ca.pem'), trust)
writeFileSync(join(place, 'server.pem'), issued.certificate + issued.chain)
writeFileSync(join(place, 'server-key.pem'), issued.privateKey!, { mode: 0o600 })
const run = Date.now().toString(36)
const identities: ConnectIdentity[] = []
await Promise.all(
  Array.from({ length: Number(count) }, async (_, index) => {
    const { deviceId, certificate, chain, privateKey } = await fleet.enroll(`connect-${run}-${index}`)
    identities.push({ deviceId, cert: certificate + chain, key: privateKey! })
  }),
)
writeFileSync(join(place, 'identities.json'), JSON.stringify({ ca: trust, identities }), { mode: 0o600 })
server.listen(0, '127.0.0.1', () => {
  process.send!({ type: 'ready', port: (server.address() as AddressInfo).port } satisfies AuthMessage)
})
process.on('message', (message: AuthMessage) => {
  if (message.type === 'ask') asksFleet = message.fleet
  if (message.type !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send!({ type: 'used', cpu: user + system } satisfies AuthMessage)
})
process.on('disconnect', () => process.exit())
