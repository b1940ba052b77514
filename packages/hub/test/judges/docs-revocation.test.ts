import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { type PublishedFleet, publishFleet } from '../support/published-fleet.ts'
import { runTool } from '../support/run-tool.ts'

const folder = temporaryDirectory()
let pki: PublishedFleet
beforeAll(async () => {
  pki = await publishFleet()
})
afterAll(async () => {
  await pki.close()
  folder.remove()
})

/** The commands under "Check it yourself" in docs/revocation.md, as they are written; only the hub's address is this test's. */
function commands(): string {
  const page = readFileSync(new URL('../../../../docs/revocation.md', import.meta.url), 'utf8')
  const section = page.slice(page.indexOf('\n## Check it yourself\n'))
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(match => match[1]!)
  expect(blocks).toHaveLength(3)
  const text = blocks.join('\n')
  expect(text).toContain('hub=http://127.0.0.1:3000\n')
  return text.replace('http://127.0.0.1:3000', pki.url)
}

describeWith(['openssl', 'curl', 'jq', 'bash'], 'docs/revocation.md, "Check it yourself"', () => {
  test('works as written, and tells a revoked device from a good one', async () => {
    const device = await pki.fleet.enroll('sensor-1')
    writeFileSync(folder.path('device.pem'), device.certificate + device.chain)
    const check = async (): Promise<string> => {
      const { output } = await runTool('bash', ['--norc', '-c', `cd ${folder.directory}\n${commands()}`])
      return output
    }
    const good = await check()
    expect(good).toContain(`${pki.url}/crl/${device.issuerKeyId.slice(0, 16)}-0.crl\n`)
    expect(good).toContain(`${pki.url}/ocsp\n`)
    expect(good).toMatch(/Certificate Revocation List \(CRL\):[\s\S]*No Revoked Certificates/)
    expect(good.match(/^device\.pem: OK$/gm)).toHaveLength(2)
    expect(good.match(/^Response verify OK$/gm)).toHaveLength(2)
    expect(good.match(/^device\.pem: good$/gm)).toHaveLength(2)
    expect(good).not.toMatch(/error|WARNING|not found/i)

    await pki.fleet.revoke('sensor-1', { reason: 'keyCompromise' })
    const revoked = await check()
    expect(revoked).toContain(`Serial Number: ${device.serialNumber.toUpperCase()}`)
    expect(revoked.match(/^error 23 at 0 depth lookup: certificate revoked$/gm)).toHaveLength(2)
    expect(revoked.match(/^device\.pem: revoked$/gm)).toHaveLength(2)
    expect(revoked.match(/Reason: keyCompromise/g)).toHaveLength(2)
    expect(revoked.match(/^Response verify OK$/gm)).toHaveLength(2)
  })
})
