import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createCertificationRequest, encodePem, type MessageSigner, type SignatureAlgorithm } from '@fleetcert/core'

/** A PEM certification request of a key made now. */
export async function csrPem(kind: 'P-256' | 'RSA-1024' = 'P-256'): Promise<string> {
  return encodePem('CERTIFICATE REQUEST', await csrDer(kind))
}

export async function csrDer(kind: 'P-256' | 'RSA-1024' = 'P-256'): Promise<Uint8Array> {
  return createCertificationRequest({
    subject: [[{ type: 'CN', value: 'a name that must not be copied' }]],
    signer: kind === 'P-256' ? p256() : rsa1024(),
  })
}

function p256(): MessageSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return signer('ecdsa-with-SHA256', privateKey, publicKey)
}

function rsa1024(): MessageSigner {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  return signer('sha256WithRSAEncryption', privateKey, publicKey)
}

function signer(algorithm: SignatureAlgorithm, privateKey: KeyObject, publicKey: KeyObject): MessageSigner {
  return {
    algorithm,
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    sign: async message =>
      sign('sha256', Buffer.concat(message instanceof Uint8Array ? [message] : [...message]), privateKey),
  }
}
