import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Fleet, fileKeyring, openFleet, type Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import type { CliIo } from '../cli-io.ts'
import { type FleetSettings, readSettings, settingsName } from './settings.ts'

/**
 * A fleet's folder: `ca-cert.pem` (issuing CA, then root), `ca-key.pem`, `root-key.pem`, `server-cert.pem`, `server-key.pem`, `devices/<id>-cert.pem` (with the issuing CA), `devices/<id>-key.pem`,
 * `devices/ca-cert.pem` (a copy), `fleet.db`, `fleetcert.json`, `operator-token`, `broker-token`.
 */
export interface FleetFolder {
  /** As it was given, for messages. */
  readonly directory: string
  path(...names: string[]): string
  settings(): Promise<FleetSettings>
  /** Keys are opened, or made at the first start, under `FLEETCERT_KEY_PASSPHRASE` where it is set. */
  open(settings: FleetSettings, options?: { readonly background?: boolean }): Promise<Fleet>
}

export function fleetFolder(directory: string, { cwd, env }: CliIo): FleetFolder {
  const root = resolve(cwd, directory)
  const path = (...names: string[]): string => join(root, ...names)
  return {
    directory,
    path,
    settings: () => readSettings(path(settingsName), directory),
    open(settings, { background = false } = {}) {
      const passphrase = env['FLEETCERT_KEY_PASSPHRASE']
      return openFleet({
        store: folderStore(path('fleet.db'), root),
        // An empty variable is a mistake, and no wish for keys in the clear.
        keyring: fileKeyring(root, passphrase === undefined ? {} : { passphrase }),
        ...(settings.organization === undefined ? {} : { organization: settings.organization }),
        ...(settings.baseUrl === undefined
          ? {}
          : { publish: { baseUrl: settings.baseUrl, ...(settings.crl === undefined ? {} : { crl: settings.crl }) } }),
        background,
      })
    },
  }
}

function folderStore(file: string, root: string): Store {
  mkdirSync(root, { recursive: true, mode: 0o755 })
  return sqliteStore({ file })
}
