import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { decodePem, fileKeyring, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { benchDeviceId, deviceMaker, type Template } from './auth-devices.ts'

/** Opens the fleet of a folder, as a hub does. */
export function openBenchFleet(folder: string, background: boolean): ReturnType<typeof openFleet> {
  return openFleet({
    store: sqliteStore({ file: join(folder, 'fleet.db') }),
    keyring: fileKeyring(join(folder, 'keys'), { passphrase: 'bench' }),
    background,
  })
}

/** A fleet of `count` devices in a folder. One is enrolled; the rows of the others are like its own. What is there already stays. */
export async function fillFleet(folder: string, count: number): Promise<Template> {
  const note = join(folder, `template-${count}.json`)
  if (existsSync(note)) return JSON.parse(readFileSync(note, 'utf8')) as Template
  const fleet = await openBenchFleet(folder, false)
  const { certificate } = await fleet.enroll(benchDeviceId(0), { owner: 'owner-000' })
  await fleet.close()
  const template: Template = {
    certificate: Buffer.from(decodePem(certificate)[0]!.der).toString('base64'),
    secret: randomBytes(24).toString('base64url'),
  }
  fillRows(join(folder, 'fleet.db'), deviceMaker(template), count)
  writeFileSync(note, JSON.stringify(template))
  return template
}

function fillRows(file: string, deviceOf: ReturnType<typeof deviceMaker>, count: number): void {
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
  const sha256 = (octets: Uint8Array | string): Uint8Array => createHash('sha256').update(octets).digest()
  database.exec('BEGIN')
  for (let index = 1; index < count; index += 1) {
    if (index % 50_000 === 0) database.exec('COMMIT; BEGIN')
    const { deviceId, serialNumber, der } = deviceOf(index)
    const owner = `owner-${String(index % 1000).padStart(3, '0')}`
    const { device } = insertDevice.get(deviceId, owner, 'device', row['not_after']!) as { device: number }
    const values: Readonly<Record<string, SQLInputValue>> = {
      ...row,
      serial_number: serialNumber,
      public_key_hash: sha256(deviceId),
      der,
      fingerprint: sha256(der),
      device,
      device_id: deviceId,
      owner,
    }
    const { ordinal } = insert.get(...columns.map(column => values[column]!)) as { ordinal: number }
    setNewest.run(ordinal, device)
  }
  database.exec('COMMIT')
  for (const { sql } of indexes) database.exec(sql)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}
