import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { publishFleet } from '../support/published-fleet.ts'
import { runTool } from '../support/run-tool.ts'
import { freePort, spawnServer } from '../support/spawn-server.ts'

const folder = temporaryDirectory()
afterAll(() => folder.remove())

function file(name: string, content: string): string {
  writeFileSync(folder.path(name), content, { mode: 0o600 })
  return folder.path(name)
}

describeWith(['escript', 'curl'], 'Erlang’s ssl, which EMQX is built on', () => {
  test.each([
    ['der', { published: { crl: 'der' } }, /^GET \/crl\/[0-9a-f]{16}-0\.crl$/],
    ['pemFirst', { published: { crl: 'pemFirst' } }, /^GET \/crl\/[0-9a-f]{16}-0\.pem$/],
    ['shards', { crl: { shards: 8 } }, /^GET \/crl\/[0-9a-f]{16}-[0-7]\.crl$/],
    ['hot issuers', { hotIssuer: true, background: true }, /^GET \/crl\/[0-9a-f]{16}-0\.crl$/],
  ] as const)(
    'fetches the CRL that a device’s certificate names, finds it in scope, and refuses it once it is revoked (%s)',
    async (_name, options, fetched) => {
      const pki = await publishFleet(options)
      const server = await pki.fleet.issueServer({ hosts: ['127.0.0.1'] })
      const ca = file('ca.pem', server.chain + pki.fleet.trustAnchors)
      const port = await freePort()
      const script = fileURLToPath(new URL('./erlang/tls-server.escript', import.meta.url))
      const files = [
        ca,
        file('server.pem', server.certificate + server.chain),
        file('server-key.pem', server.privateKey!),
      ]
      const listener = await spawnServer('escript', [script, String(port), ...files], port)
      try {
        const visit = async (deviceId: string): Promise<string> => {
          const { status, output } = await runTool('curl', [
            ...['--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--cacert', ca],
            ...['--cert', folder.path(`${deviceId}.pem`), '--key', folder.path(`${deviceId}-key.pem`)],
            `https://127.0.0.1:${port}/`,
          ])
          return status === 0 ? output : `curl ${status}`
        }
        for (const deviceId of ['good-1', 'revoked-1']) {
          const { certificate, chain, privateKey } = await pki.fleet.enroll(deviceId)
          file(`${deviceId}.pem`, certificate + chain)
          file(`${deviceId}-key.pem`, privateKey!)
          expect(await visit(deviceId), listener.log()).toBe('204')
        }
        for (const request of pki.requests) expect(request).toMatch(fetched)
        expect(pki.requests.length).toBeGreaterThan(0)
        await pki.fleet.revoke('revoked-1')
        expect(await visit('revoked-1'), listener.log()).toMatch(/^curl (35|52|56)$/)
        await listener.logged(/certificate_revoked/)
        expect(await visit('good-1'), listener.log()).toBe('204')
      } finally {
        await listener.stop()
        await pki.close()
      }
    },
  )
})
