import { type DeviceCredential, decodePem, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'
import { type EmqxRelease, type EmqxVersion, parseEmqxVersion } from '../../src/emqx/config/emqx-version.ts'
import { fillsPlaceholder } from '../../src/emqx/config/placeholders.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
import { emqxConfig } from '../../src/emqx/emqx-config.ts'
import type { Hook } from '../../src/emqx/lint/emqx-settings.ts'
import { emqx4Settings } from '../../src/emqx/lint/emqx4-settings.ts'
import { hoconSettings } from '../../src/emqx/lint/hocon-settings.ts'
import { readHocon } from '../../src/emqx/lint/hocon-tree.ts'
import { readEmqx4 } from '../../src/emqx/lint/read-emqx4.ts'

const common = {
  authUrl: 'http://hub:3000/validate',
  authorizeUrl: 'http://hub:3000/authorize',
  secretHeader: { name: 'x-secret', value: 'a "secret" \\' },
  listener: { caFile: '/ca', certFile: '/c', keyFile: '/k' },
}

/** What a client is to EMQX: `username` is what it wrote in its CONNECT. */
interface Client {
  readonly clientid: string
  readonly username?: string
  /** Of the handshake; none on a listener without TLS. */
  readonly certificate?: string
}

/** What EMQX of a release sends for a template, from the client and what our answer told it. */
function fill(release: EmqxRelease, hook: Hook, client: Client, more: Record<string, string>): Request {
  const shown =
    client.certificate === undefined ? '' : Buffer.from(decodePem(client.certificate)[0]!.der).toString('base64')
  const name = client.certificate === undefined ? '' : client.clientid
  const isOld = release.major === 4
  // Both configurations have `peer_cert_as_username = pem` where the placeholder is not there.
  const hasPlaceholder = !isOld && fillsPlaceholder(release, 'authenticator', 'cert_pem')
  const username = hasPlaceholder || shown === '' ? (client.username ?? '') : shown
  const values: Record<string, string> = {
    ...{ clientid: client.clientid, username, peerhost: '10.0.0.1', cert_common_name: name },
    ...{ cert_subject: name === '' ? '' : `CN=${name}`, cert_pem: hook.owner === 'authenticator' ? shown : '' },
    ...more,
  }
  const of4: Record<string, string> = {
    c: 'clientid',
    u: 'username',
    a: 'peerhost',
    C: 'cert_common_name',
    d: 'cert_subject',
    A: 'access',
    t: 'topic',
  }
  const body = hook.body.map(({ key, value }) => {
    const text = String(value)
    if (isOld) return [key, text.startsWith('%') ? (values[of4[text.slice(1)]!] ?? 'undefined') : text]
    const filled = text.replace(/\$\{([^}]+)\}/g, (whole, placeholder: string) =>
      fillsPlaceholder(release, hook.owner, placeholder) ? (values[placeholder] ?? '') : whole,
    )
    return [key, filled]
  })
  const headers = Object.fromEntries(hook.headers.map(({ key, value }) => [key, String(value)]))
  return new Request(String(hook.url!.value), {
    method: 'POST',
    headers,
    body: JSON.stringify(Object.fromEntries(body)),
  })
}

describe.each(['4.4', '5.0', '5.2', '5.6', '5.7.0', '5.7', '5.8', '5.9', '5.10', '6.0', '6.2', '6.3'] as const)(
  'what emqxConfig has EMQX %s send',
  version => {
    const release = parseEmqxVersion(version)!
    const settings =
      version === '4.4'
        ? emqx4Settings(
            readEmqx4(
              emqxConfig({ ...common, version, secretHeader: { name: 'x-secret', value: 'a secret' } }).pluginConf,
            ),
          )
        : hoconSettings(readHocon(emqxConfig({ ...common, version: version as Exclude<EmqxVersion, `4.${string}`> })))
    const authenticator = settings.authentication.links![0]!.hook!
    const authorizer = settings.authorization.links![0]!.hook!
    const denials: Denial[] = []
    let fleet: Fleet
    let handler: (request: Request) => Promise<Response>
    let d1: DeviceCredential
    let told: Record<string, string>

    beforeAll(async () => {
      fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
      handler = createEmqxHandler(createBrokerAuth({ fleet }), {
        dialect: version === '4.4' ? 'emqx4' : 'emqx5',
        authorizeCaller: request => /secret/.test(request.headers.get('x-secret') ?? ''),
        onDeny: denial => denials.push(denial),
      })
      d1 = await fleet.enroll('d1')
      await fleet.enroll('d2')
    })
    afterAll(() => fleet.close())

    async function ask(hook: Hook, client: Client, more: Record<string, string> = {}): Promise<boolean> {
      const response = await handler(fill(release, hook, client, more))
      if (version === '4.4') return response.status === 200
      const answer = (await response.json()) as { result: string; client_attrs?: Record<string, string> }
      const attributes = Object.entries(answer.client_attrs ?? {}).map(([key, value]) => [`client_attrs.${key}`, value])
      if (hook === authenticator) told = Object.fromEntries(attributes)
      return response.status === 200 && answer.result === 'allow'
    }

    it('lets the device in, to its own topics', async () => {
      const client = { clientid: 'd1', certificate: d1.certificate }
      expect([await ask(authenticator, client), denials.splice(0)]).toEqual([true, []])
      const about = (action: 'publish' | 'subscribe', topic: string): Promise<boolean> =>
        ask(authorizer, client, {
          ...told,
          action,
          access: action === 'publish' ? '2' : '1',
          topic,
          qos: '1',
          retain: 'false',
        })
      expect(await about('publish', 'devices/d1/up')).toBe(true)
      expect(await about('subscribe', 'devices/d1/#')).toBe(true)
      expect(await about('subscribe', 'devices/#')).toBe(false)
      expect(await about('publish', 'devices/d2/up')).toBe(false)
    })
    it('does not let it in by another name', async () => {
      expect(await ask(authenticator, { clientid: 'd2', certificate: d1.certificate })).toBe(false)
    })
    it('takes nobody’s word for a certificate', async () => {
      const username = Buffer.from(decodePem(d1.certificate)[0]!.der).toString('base64')
      expect(await ask(authenticator, { clientid: 'd1', username })).toBe(false)
      expect(await ask(authenticator, { clientid: 'd1' })).toBe(false)
    })
  },
)
