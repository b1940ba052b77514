import { afterAll } from 'vitest'
import { hasTool } from '../../../../test-support/tools.ts'
import type { DeviceIdentity } from '../../src/index.ts'
import { identityOf } from './identity-of.ts'
import { createTestCa, type TestCa, type TestCredential } from './test-ca.ts'

export interface Fixtures {
  readonly ca: TestCa
  readonly otherCa: TestCa
  /** For `localhost` and 127.0.0.1. */
  readonly server: TestCredential
  readonly device: TestCredential
  /** `sensor-1`, which believes `ca`. */
  readonly identity: DeviceIdentity
}

export const serverNames = 'DNS:localhost,IP:127.0.0.1'

/** Made anew for each test file; empty without openssl, where what needs them is skipped. */
export const fixtures: Fixtures = hasTool('openssl') ? createFixtures() : ({} as Fixtures)

function createFixtures(): Fixtures {
  const ca = createTestCa('Fleet CA')
  const otherCa = createTestCa('Other CA')
  afterAll(() => {
    ca[Symbol.dispose]()
    otherCa[Symbol.dispose]()
  })
  const device = ca.issue('sensor-1')
  const server = ca.issue('localhost', { names: serverNames })
  return { ca, otherCa, server, device, identity: identityOf('sensor-1', device, ca) }
}
