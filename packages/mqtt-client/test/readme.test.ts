import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { startAedes } from './support/aedes-broker.ts'
import { fixtures } from './support/fixtures.ts'

const { ca, device, server } = fixtures

describeWith(['openssl'], 'the README', () => {
  test('runs', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const directory = mkdtempSync(join(tmpdir(), 'fleetcert-readme-'))
    mkdirSync(join(directory, 'devices'))
    writeFileSync(join(directory, 'devices/sensor-1-cert.pem'), device.certificate)
    writeFileSync(join(directory, 'devices/sensor-1-key.pem'), device.privateKey)
    writeFileSync(join(directory, 'devices/ca-cert.pem'), ca.certificate)
    vi.stubEnv('BROKER_URL', broker.url)
    vi.stubEnv('CERTS', directory)
    const lines = vi.spyOn(console, 'log').mockImplementation(() => {})
    const published: string[] = []
    broker.broker.on('publish', packet => published.push(`${packet.topic} ${packet.payload}`))
    try {
      const readme = fileURLToPath(new URL('../README.md', import.meta.url))
      expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBe(3)
      expect(published).toContain('devices/sensor-1/telemetry {"celsius":21.5}')
      expect(published).toContain('devices/sensor-1/telemetry {"celsius":22.5}')
      expect(lines.mock.calls).toEqual([
        ['closed', undefined, false],
        ['PROBLEM  TCP_REFUSED: localhost:1 refuses connections.'],
      ])
    } finally {
      vi.unstubAllEnvs()
      lines.mockRestore()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
