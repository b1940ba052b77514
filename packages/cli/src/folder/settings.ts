import { readFile } from 'node:fs/promises'
import type { Store } from '@fleetcert/core'
import { cliError } from '../output/cli-error.ts'
import { exitCodes } from '../output/exit-codes.ts'
import { fileModes, writeFileWhole } from './write-file.ts'

/** What `fleetcert init` was told, kept in the folder so that no command has to be told again. */
export interface FleetSettings {
  readonly format: 1
  readonly organization?: string
  /** The http origin of CRLs, OCSP and CA certificates, which is written into certificates. */
  readonly baseUrl?: string
  /** Whether the URL of the CRL as PEM comes first, for EMQX. */
  readonly crl?: 'der' | 'pemFirst'
  /** What devices are told to connect to. */
  readonly brokerUrl: string
  readonly mqttSecurePort: number
}

/** The file name of {@link FleetSettings}. */
export const settingsName = 'fleetcert.json'

const limitCharacters = 64 * 1024

/** @throws what says `fleetcert init`, where there is no fleet */
export async function readSettings(path: string, directory: string): Promise<FleetSettings> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw cliError({
      code: 'NO_FLEET',
      message: `there is no fleet in ${directory}`,
      hint: 'fleetcert init makes one; --dir or CERTS_DIR says where it is',
      exitCode: exitCodes.notFound,
    })
  }
  const settings = parseSettings(text)
  if (settings === undefined) {
    throw cliError({
      code: 'SETTINGS',
      message: `${path}: not the settings of a fleet`,
      hint: 'put it back from a backup',
    })
  }
  return settings
}

export function writeSettings(path: string, settings: FleetSettings): Promise<void> {
  return writeFileWhole(path, `${JSON.stringify(settings, undefined, 2)}\n`, fileModes.public)
}

/** Under which name the settings are kept beside the records, too: so a backup has them. */
const documentName = 'cliSettings'

/** Keeps the settings beside the records. */
export async function keepSettings(store: Store, settings: FleetSettings): Promise<void> {
  const found = await store.document(documentName)
  await store.putDocument(documentName, Buffer.from(JSON.stringify(settings)), found?.version ?? 0, [])
}

/** The settings that a restored store has kept. */
export async function readKeptSettings(store: Store): Promise<FleetSettings> {
  const found = await store.document(documentName)
  const settings = found === undefined ? undefined : parseSettings(Buffer.from(found.value).toString('utf8'))
  if (settings !== undefined) return settings
  throw cliError({
    code: 'SETTINGS',
    message: 'the backup is not of a fleet that fleetcert init has made',
    hint: 'restore it by restoreFleet of @fleetcert/core/backup',
  })
}

function parseSettings(text: string): FleetSettings | undefined {
  if (text.length > limitCharacters) return undefined
  try {
    const settings: unknown = JSON.parse(text)
    return isSettings(settings) ? settings : undefined
  } catch {
    return undefined
  }
}

function isSettings(value: unknown): value is FleetSettings {
  if (typeof value !== 'object' || value === null) return false
  const { format, organization, baseUrl, crl, brokerUrl, mqttSecurePort } = value as Record<string, unknown>
  const isText = (text: unknown): boolean => text === undefined || typeof text === 'string'
  const isCrl = crl === undefined || crl === 'der' || crl === 'pemFirst'
  return (
    format === 1 &&
    isText(organization) &&
    isText(baseUrl) &&
    isCrl &&
    typeof brokerUrl === 'string' &&
    Number.isInteger(mqttSecurePort)
  )
}
