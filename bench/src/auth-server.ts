import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { createHub, type Hub, sharedSecret, toNodeHandler } from '@fleetcert/hub'
import type { Template } from './auth-devices.ts'
import { openBenchFleet } from './auth-fill.ts'
import type { AuthMessage } from './auth-messages.ts'

// A server of `auth`, a process of its own: `hub`, `web` (the hub by Request and Response), or `bare`, which reads the same body and answers always the same, an answer of the hub's.

const [kind = '', folder = '', count = '', constant = ''] = process.argv.slice(2)

function bare(): RequestListener {
  const body = Buffer.from(constant)
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': body.length,
  }
  return (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      // Read, and not looked at.
      if (Buffer.concat(parts).length === 0) return void response.writeHead(400).end()
      response.writeHead(200, headers)
      response.end(body)
    })
  }
}

async function hub(): Promise<RequestListener> {
  const { secret } = JSON.parse(readFileSync(join(folder, `template-${count}.json`), 'utf8')) as Template
  const fleet = await openBenchFleet(folder, true)
  const made = createHub({
    fleet,
    auth: createBrokerAuth({ fleet }),
    authorize: sharedSecret({ header: 'x-broker-secret', secret }),
    broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 },
    onDeny: denial => {
      if (denial.reason !== 'overloaded') process.stderr.write(`${JSON.stringify(denial)}\n`)
    },
  })
  // A function around a hub is reached by Request and Response alone.
  const around: Hub = (request, context) => made(request, context)
  return toNodeHandler(kind === 'web' ? around : made)
}

const server = createServer({ keepAliveTimeout: 65_000 }, kind === 'bare' ? bare() : await hub())
server.listen(0, '127.0.0.1', () => {
  process.send!({ type: 'ready', port: (server.address() as AddressInfo).port } satisfies AuthMessage)
})
process.on('message', (message: AuthMessage) => {
  if (message.type !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send!({ type: 'used', cpu: user + system } satisfies AuthMessage)
})
process.on('disconnect', () => process.exit())
