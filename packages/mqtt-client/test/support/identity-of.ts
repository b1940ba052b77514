import { type DeviceIdentity, pemIdentity } from '../../src/index.ts'
import type { TestCa, TestCredential } from './test-ca.ts'

/** A credential as an identity that believes the given CA. */
export function identityOf(deviceId: string, credential: TestCredential, trusted: TestCa): DeviceIdentity {
  const { certificate, privateKey } = credential
  return pemIdentity({ deviceId, certificate, privateKey, trustAnchors: trusted.certificate })
}
