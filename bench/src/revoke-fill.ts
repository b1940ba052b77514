import { createHash, randomBytes } from 'node:crypto'
import type { Store } from '@fleetcert/core'
import { type FilledRow, fillRows } from './fill-rows.ts'

/** A certificate that is there to be revoked. */
export interface Filled {
  readonly deviceId: string
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
}

/** The owner of what is revoked before the measurement. */
export const filledOwner = 'filled'

// Of Ed25519 keys; nobody looks at the point.
const keyPrefix = Buffer.from('302a300506032b6570032100', 'hex')

interface Octets extends Filled {
  readonly publicKeyHash: Uint8Array
  readonly serialNumber: Uint8Array
  readonly der: Uint8Array
  readonly fingerprint: Uint8Array
}

function octetsOf(deviceId: string): Octets {
  const random = randomBytes(600)
  const publicKey = Buffer.concat([keyPrefix, random.subarray(0, 32)])
  const serialNumber = random.subarray(32, 48)
  serialNumber[0] = (serialNumber[0]! & 0x7f) | 1
  const der = random.subarray(48)
  const sha256 = (octets: Uint8Array): Uint8Array => createHash('sha256').update(octets).digest()
  return { deviceId, publicKey, publicKeyHash: sha256(publicKey), serialNumber, der, fingerprint: sha256(der) }
}

/** Certificates in a store, as issuing leaves them, by the store's own calls. */
export async function fillStore(
  store: Store,
  issuerKeyId: string,
  count: number,
  subject: { readonly owner?: string; readonly prefix: string },
): Promise<Filled[]> {
  const holder = { instance: 'fill', leaseUntil: new Date(Date.now() + 3_600_000) }
  const filled: Filled[] = []
  for (let index = 0; index < count; index += 1) {
    const octets = octetsOf(`${subject.prefix}-${index}`)
    const id = { issuerKeyId, serialNumber: Buffer.from(octets.serialNumber).toString('hex') }
    const now = new Date()
    await store.reserve(
      {
        id,
        role: 'device',
        profile: 'device',
        deviceId: octets.deviceId,
        ...(subject.owner === undefined ? {} : { owner: subject.owner }),
        publicKeyHash: octets.publicKeyHash,
        notBefore: now,
        notAfter: new Date(now.getTime() + 365 * 86_400_000),
        shard: 0,
        createdAt: now,
        tbsCertificate: octets.der.subarray(0, 480),
        holder,
        expect: 'any',
      },
      [],
    )
    await store.commit(id, octets.der, [])
    if (subject.owner === undefined) filled.push(octets)
  }
  return filled
}

/** The same in a file of store-sqlite that nobody has open: rows like that of its only device, several times faster. */
export function fillFile(
  file: string,
  count: number,
  subject: { readonly owner?: string; readonly prefix: string },
): Filled[] {
  const filled: Filled[] = []
  const owner = subject.owner ?? null
  function* rows(): Generator<FilledRow> {
    for (let index = 0; index < count; index += 1) {
      const octets = octetsOf(`${subject.prefix}-${index}`)
      yield { ...octets, owner }
      if (subject.owner === undefined) filled.push(octets)
    }
  }
  fillRows(file, rows())
  return filled
}
