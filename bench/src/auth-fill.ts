import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodePem, type Fleet, fileKeyring, openFleet } from '@fleetcert/core'
import { benchDeviceId, deviceMaker, type Template } from './auth-devices.ts'
import { type FilledRow, fillRows } from './fill-rows.ts'
import { storeOfFolder } from './store-servers.ts'

/** Opens the fleet of a folder, as a hub does. */
export async function openBenchFleet(folder: string, background: boolean): Promise<Fleet> {
  return openFleet({
    store: await storeOfFolder(folder),
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
  fillRows(join(folder, 'fleet.db'), rowsOf(deviceMaker(template), count))
  writeFileSync(note, JSON.stringify(template))
  return template
}

function* rowsOf(deviceOf: ReturnType<typeof deviceMaker>, count: number): Generator<FilledRow> {
  const sha256 = (octets: Uint8Array | string): Uint8Array => createHash('sha256').update(octets).digest()
  for (let index = 1; index < count; index += 1) {
    const { deviceId, serialNumber, der } = deviceOf(index)
    const owner = `owner-${String(index % 1000).padStart(3, '0')}`
    yield { deviceId, owner, serialNumber, publicKeyHash: sha256(deviceId), der, fingerprint: sha256(der) }
  }
}
