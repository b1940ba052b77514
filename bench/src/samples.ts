import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createCertificationRequest } from '@fleetcert/core'
import { softwareSigner } from '@fleetcert/x509'

/** A CSR and the key behind it. Every device of a real fleet has its own, so every sample has. */
export interface Sample {
  readonly csr: Uint8Array
  readonly subjectPublicKeyInfo: Uint8Array
  readonly privateKey: KeyObject
}

export async function makeSamples(count: number): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let index = 0; index < count; index += 1) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const signer = softwareSigner(privateKey)
    const csr = await createCertificationRequest({ subject: [[{ type: 'CN', value: 'bench' }]], signer })
    samples.push({ csr, subjectPublicKeyInfo: signer.publicKey, privateKey })
  }
  return samples
}
