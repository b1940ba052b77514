import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { createCertificationRequest, encodePem, softwareSigner } from '@fleetcert/x509'
import type { PendingCredential } from './identity-state.ts'

/** Makes a P-256 key and a certification request with it. The request names the device, though a hub takes nothing of it but the key. */
export async function makePendingKey(deviceId: string): Promise<PendingCredential> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const csr = await createCertificationRequest({
    subject: [[{ type: 'CN', value: deviceId }]],
    signer: softwareSigner(privateKey),
  })
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    csr: encodePem('CERTIFICATE REQUEST', csr),
  }
}

/** SubjectPublicKeyInfo of a private key, DER. */
export function publicKeyOf(privateKey: string): Uint8Array {
  return new Uint8Array(createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'der' }))
}
