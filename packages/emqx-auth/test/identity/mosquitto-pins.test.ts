import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { freePort, listening } from '../../../../test-support/ports.ts'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { mosquittoAcl, mosquittoConfig } from '../../src/mosquitto/index.ts'
import { brokerTrustFile } from '../../src/trust-file.ts'
import { testFleet } from '../support/broker.ts'
import { endEntity, type MadeCertificate, opensslPki } from '../support/openssl-pki.ts'
import { findTool } from '../support/tools.ts'

const run = promisify(execFile)
const folder = temporaryDirectory()
const openssl = opensslPki(folder.directory)
afterAll(() => folder.remove())

describeWith(['openssl', 'mosquitto', 'mosquitto_pub'], 'pins in the CA file of a real Mosquitto', () => {
  it('sign certificates in other devices’ names when they can sign, and nothing when brokerTrustFile took them', async () => {
    await using fleet = await testFleet()
    const server = await fleet.issueServer({ hosts: ['127.0.0.1'] })
    const careless = openssl('/CN=d2')
    const careful = openssl('/CN=d3', { extensions: endEntity })
    const forged = {
      careless: openssl('/CN=d1', { extensions: endEntity, issuer: careless }),
      careful: openssl('/CN=d1', { extensions: endEntity, issuer: careful }),
    }
    const authorities = server.chain + fleet.trustAnchors
    const pins = [{ deviceId: 'd3', certificate: careful.certificate }]
    expect(() =>
      brokerTrustFile({
        authorities,
        pins: [{ deviceId: 'd2', certificate: careless.certificate }],
        broker: 'goesByName',
      }),
    ).toThrow('d2 can sign')

    // As somebody would do it by hand, and as we write it.
    const byHand = await outcomes(authorities + careless.certificate, server, { d2: careless, forged: forged.careless })
    expect(byHand).toEqual({ d2: true, forged: true })
    const ours = brokerTrustFile({ authorities, pins, broker: 'goesByName' })
    expect(await outcomes(ours, server, { d3: careful, forged: forged.careful })).toEqual({ d3: true, forged: false })
  }, 60_000)
})

/** Who may publish to a Mosquitto that trusts `authorities`. */
async function outcomes(
  authorities: string,
  server: { readonly certificate: string; readonly chain: string; readonly privateKey?: string },
  clients: Readonly<Record<string, MadeCertificate>>,
): Promise<Record<string, boolean>> {
  const write = (name: string, text: string): string => {
    writeFileSync(folder.path(name), text, { mode: 0o600 })
    return folder.path(name)
  }
  const port = await freePort()
  const config = mosquittoConfig({
    port,
    host: '127.0.0.1',
    caFile: write('ca.pem', authorities),
    certFile: write('server.pem', server.certificate + server.chain),
    keyFile: write('server-key.pem', server.privateKey!),
    aclFile: write('acl', mosquittoAcl()),
  })
  // As root Mosquitto would step down to a user that cannot read the folder.
  const file = write('mosquitto.conf', `${config}${process.getuid?.() === 0 ? '\nuser root\n' : ''}`)
  const broker = spawn(findTool('mosquitto')!, ['-c', file], { stdio: 'ignore' })
  try {
    await listening(port)
    const result: Record<string, boolean> = {}
    for (const [name, { certificate, privateKey }] of Object.entries(clients)) {
      const tls = [
        '--cafile',
        folder.path('ca.pem'),
        '--cert',
        write('client.pem', certificate),
        '--key',
        write('client-key.pem', privateKey),
      ]
      const message = ['-h', '127.0.0.1', '-p', String(port), '-i', 'x', '-q', '1', '-t', 'devices/d1/x', '-m', 'x']
      result[name] = await run(findTool('mosquitto_pub')!, [...tls, ...message], { timeout: 10_000 }).then(
        () => true,
        () => false,
      )
    }
    return result
  } finally {
    const exited = once(broker, 'exit')
    if (broker.exitCode === null) {
      broker.kill()
      await exited
    }
  }
}
