import { createHash, randomBytes } from 'node:crypto'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Store } from '@fleetcert/core'

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
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = OFF')
  database.exec('PRAGMA cache_size = -500000')
  // Sorted at the end: most would be filled at random places.
  const indexes = database
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'certificates' AND sql IS NOT NULL",
    )
    .all() as { name: string; sql: string }[]
  for (const { name } of indexes) database.exec(`DROP INDEX ${name}`)
  const template = database.prepare("SELECT * FROM certificates WHERE role = 'device' ORDER BY ordinal LIMIT 1").get()!
  const { ordinal: _, ...row } = template
  const columns = Object.keys(row)
  const insertDevice = database.prepare(
    'INSERT INTO devices (device_id, owner, role, not_after) VALUES (?, ?, ?, ?) RETURNING device',
  )
  const insert = database.prepare(
    `INSERT INTO certificates (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) RETURNING ordinal`,
  )
  const setNewest = database.prepare('UPDATE devices SET newest = ? WHERE device = ?')
  const filled: Filled[] = []
  const owner = subject.owner ?? null
  for (let index = 0; index < count; index += 1) {
    if (index % 50_000 === 0) database.exec(index === 0 ? 'BEGIN' : 'COMMIT; BEGIN')
    const octets = octetsOf(`${subject.prefix}-${index}`)
    const { device } = insertDevice.get(octets.deviceId, owner, 'device', row['not_after']!) as { device: number }
    const values: Readonly<Record<string, SQLInputValue>> = {
      ...row,
      serial_number: octets.serialNumber,
      public_key_hash: octets.publicKeyHash,
      der: octets.der,
      fingerprint: octets.fingerprint,
      device,
      device_id: octets.deviceId,
      owner,
    }
    const { ordinal } = insert.get(...columns.map(column => values[column]!)) as { ordinal: number }
    setNewest.run(ordinal, device)
    if (subject.owner === undefined) filled.push(octets)
  }
  database.exec('COMMIT')
  for (const { sql } of indexes) database.exec(sql)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  return filled
}
