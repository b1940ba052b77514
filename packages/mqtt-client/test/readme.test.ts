import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'
import { openDeviceWorld } from './support/device-world.ts'

describe('the README', () => {
  test('runs', async () => {
    await using world = await openDeviceWorld()
    const { certificate, privateKey, trustAnchors } = await world.currentCredential('sensor-1')
    const directory = mkdtempSync(join(tmpdir(), 'fleetcert-readme-'))
    mkdirSync(join(directory, 'devices'))
    writeFileSync(join(directory, 'devices/sensor-1-cert.pem'), certificate)
    writeFileSync(join(directory, 'devices/sensor-1-key.pem'), privateKey, { mode: 0o600 })
    writeFileSync(join(directory, 'devices/ca-cert.pem'), trustAnchors)
    vi.stubEnv('BROKER_URL', world.brokerUrl)
    vi.stubEnv('CERTS', directory)
    vi.stubEnv('HUB_URL', world.hubUrl)
    vi.stubEnv('CA_FILE', join(directory, 'devices/ca-cert.pem'))
    vi.stubEnv('TOKEN', (await world.fleet.createToken({ deviceId: 'sensor-2' })).token)
    const lines = vi.spyOn(console, 'log').mockImplementation(() => {})
    const published: string[] = []
    world.aedes.on('publish', packet => published.push(`${packet.topic} ${packet.payload}`))
    try {
      const readme = fileURLToPath(new URL('../README.md', import.meta.url))
      expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBe(4)
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
