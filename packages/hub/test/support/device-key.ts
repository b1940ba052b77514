import { generateKeyPairSync, sign } from 'node:crypto'
import { createCertificationRequest, encodePem, type MessageSigner, type SignatureAlgorithm } from '@fleetcert/core'

/** A key as a device makes it, and requests for it. */
export interface DeviceKey {
  /** PKCS #8 PEM. */
  readonly key: string
  csr(): Promise<string>
  csrDer(name?: string): Promise<Uint8Array>
  /** As a device signs requests over MQTT. */
  sign(text: string): string
}

export type DeviceKeyKind = 'P-256' | 'P-384' | 'RSA' | 'Ed25519'

const algorithms: Readonly<Record<DeviceKeyKind, SignatureAlgorithm>> = {
  'P-256': 'ecdsa-with-SHA256',
  'P-384': 'ecdsa-with-SHA256',
  RSA: 'sha256WithRSAEncryption',
  Ed25519: 'id-Ed25519',
}

export function deviceKey(kind: DeviceKeyKind = 'P-256'): DeviceKey {
  const { privateKey, publicKey } =
    kind === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind })
  const hash = kind === 'Ed25519' ? null : 'sha256'
  const signer: MessageSigner = {
    algorithm: algorithms[kind],
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    sign: async message =>
      sign(hash, Buffer.concat(message instanceof Uint8Array ? [message] : [...message]), privateKey),
  }
  const csrDer = (name = ''): Promise<Uint8Array> =>
    createCertificationRequest({ subject: name === '' ? [] : [[{ type: 'CN', value: name }]], signer })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    csrDer,
    csr: async () => encodePem('CERTIFICATE REQUEST', await csrDer()),
    sign: text => sign(hash, Buffer.from(text), privateKey).toString('base64'),
  }
}
