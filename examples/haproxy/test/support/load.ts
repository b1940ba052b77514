import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCertificationRequest, encodePem } from '@fleetcert/core'
import { softwareSigner } from '../../../../packages/x509/src/index.ts'
import type { Site } from './site.ts'

const certificates = '/api/devices/certificates'

/** What is asked all the time, as brokers, operators and devices do, over connections that are kept. */
export interface Load {
  /** How many were answered as they should, by kind. */
  readonly answered: Readonly<Record<Kind, number>>
  /** What was not: kind, and what came instead. */
  readonly failures: string[]
  /** Resolves once each kind has been answered so many times more. */
  more(times: number): Promise<void>
  stop(): Promise<void>
}

type Kind = 'hook' | 'operator' | 'device' | 'crl'

/** A device and what it has. */
export interface Identity {
  readonly deviceId: string
  readonly certificate: string
  readonly key: string
  readonly caCert: string
}

/** @param isRetried after a failure, ask again at once: for what may fail when a hub is killed, and must not be lost. */
export async function startLoad(site: Site, label: string, isRetried = false): Promise<Load> {
  const answered = { hook: 0, operator: 0, device: 0, crl: 0 }
  const failures: string[] = []
  let stopped = false
  const agents: { destroy(): void }[] = []
  const keptAgent = (): HttpAgent => {
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
    agents.push(agent)
    return agent
  }
  const worker = async (kind: Kind, once: (count: number) => Promise<void>): Promise<void> => {
    for (let count = 0; !stopped; count += 1) {
      try {
        await once(count)
        answered[kind] += 1
      } catch (error) {
        failures.push(`${kind}: ${(error as Error).message}`)
        if (!isRetried) return
        await sleep(50)
      }
      // Two cores are shared with the hubs.
      await sleep(5)
    }
  }

  const devices = await Promise.all([0, 1, 2].map(number => enrolled(site, `${label}-${number}`)))
  const plain = (agent: HttpAgent, headers: Record<string, string>) => (method: string, path: string, body?: unknown) =>
    ask(httpRequest, `${site.url}${path}`, { method, agent, headers }, body)

  const hook = async (): Promise<void> => {
    const call = plain(keptAgent(), { 'x-broker-secret': site.brokerSecret })
    await worker('hook', async count => {
      const { deviceId, certificate } = devices[count % devices.length]!
      const names = { cert_common_name: deviceId, cert_subject: `CN=${deviceId}` }
      const body = { clientid: deviceId, cert_pem: firstOf(certificate), ...names }
      const { status, json } = await call('POST', `${certificates}/validate`, body)
      if (status !== 200 || json['result'] !== 'allow') throw new Error(`${status} ${JSON.stringify(json)}`)
    })
  }
  const operator = async (name: string): Promise<void> => {
    const csr = await csrOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const call = plain(keptAgent(), { authorization: `Bearer ${site.operatorToken}` })
    await worker('operator', async count => {
      const made = await call('POST', `${certificates}/${label}-${name}-${count}`, { csr })
      // One whose answer was lost is there.
      const isThere = isRetried && made.status === 409
      if (made.status !== 201 && !isThere) throw new Error(`${made.status} ${JSON.stringify(made.json)}`)
      const read = await call('GET', `${certificates}/${label}-${name}-${count}`)
      if (read.status !== 200) throw new Error(`${read.status} ${JSON.stringify(read.json)}`)
    })
  }
  const crl = async (): Promise<void> => {
    const call = plain(keptAgent(), {})
    await worker('crl', async () => {
      const { status } = await call('GET', `${certificates}/ca/certificate`)
      if (status !== 200) throw new Error(String(status))
    })
  }
  const device = async (identity: Identity): Promise<void> => {
    const agent = new HttpsAgent({
      ...{ keepAlive: true, maxSockets: 1, cert: identity.certificate, key: identity.key, ca: identity.caCert },
    })
    agents.push(agent)
    await worker('device', async () => {
      const url = `${site.deviceUrl}/api/device/renewal-info`
      const { status, json } = await ask(httpsRequest, url, { method: 'GET', agent })
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`)
    })
  }
  const workers = Promise.all([hook(), hook(), hook(), operator('a'), operator('b'), crl(), ...devices.map(device)])
  return {
    answered,
    failures,
    async more(times) {
      const before = { ...answered }
      const kinds = Object.keys(answered) as Kind[]
      while (kinds.some(kind => answered[kind] < before[kind] + times)) {
        if (!isRetried && failures.length > 0) throw new Error(failures.join('\n'))
        await sleep(20)
      }
    },
    async stop() {
      stopped = true
      await workers
      for (const agent of agents) agent.destroy()
    },
  }
}

/** A device that has its certificate by a CSR of its own. */
export async function enrolled(site: Site, deviceId: string): Promise<Identity> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { status, json } = await site.call('POST', `/${deviceId}`, { csr: await csrOf(privateKey) })
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(json)}`)
  return {
    deviceId,
    certificate: String(json['clientCert']),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    caCert: String(json['caCert']),
  }
}

export function firstOf(pem: string): string {
  return pem.split(/(?<=-----END CERTIFICATE-----\n)/)[0]!
}

function ask(
  request: typeof httpRequest,
  url: string,
  options: RequestOptions,
  body?: unknown,
): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
  const octets = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    ...options.headers,
    ...(octets === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(octets)) }),
  }
  return new Promise((resolve, reject) => {
    const read = async (response: IncomingMessage): Promise<void> => {
      const reply = await text(response)
      const isJson = reply.startsWith('{')
      resolve({ status: response.statusCode!, json: isJson ? JSON.parse(reply) : { text: reply } })
    }
    request(url, { ...options, headers }, response => void read(response).catch(reject))
      .on('error', reject)
      .end(octets)
  })
}

async function csrOf(privateKey: KeyObject): Promise<string> {
  const der = await createCertificationRequest({ subject: [], signer: softwareSigner(privateKey) })
  return encodePem('CERTIFICATE REQUEST', der)
}
