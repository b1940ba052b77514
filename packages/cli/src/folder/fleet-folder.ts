import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Fleet, fileKeyring, type Keyring, openFleet, type Store } from '@fleetcert/core'
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
  /** The records. Whoever opens it closes it. */
  store(): Store
  /** The keys, under `FLEETCERT_KEY_PASSPHRASE` where it is set. */
  keyring(): Keyring
  /** Keys are opened, or made at the first start, under `FLEETCERT_KEY_PASSPHRASE` where it is set. */
  open(settings: FleetSettings, options?: { readonly background?: boolean }): Promise<Fleet>
}

export function fleetFolder(directory: string, { cwd, env }: CliIo): FleetFolder {
  const root = resolve(cwd, directory)
  const path = (...names: string[]): string => join(root, ...names)
  const store = (): Store => folderStore(path('fleet.db'), root)
  const keyring = (): Keyring => {
    const passphrase = env['FLEETCERT_KEY_PASSPHRASE']
    // An empty variable is a mistake, and no wish for keys in the clear.
    return fileKeyring(root, passphrase === undefined ? {} : { passphrase })
  }
  return {
    directory,
    path,
    store,
    keyring,
    settings: () => readSettings(path(settingsName), directory),
    open({ organization, baseUrl, crl }, { background = false } = {}) {
      const publish = baseUrl === undefined ? undefined : { baseUrl, ...(crl === undefined ? {} : { crl }) }
      return openFleet({
        store: store(),
        keyring: keyring(),
        ...(organization === undefined ? {} : { organization }),
        ...(publish === undefined ? {} : { publish }),
        background,
      })
    },
  }
}

function folderStore(file: string, root: string): Store {
  mkdirSync(root, { recursive: true, mode: 0o755 })
  return sqliteStore({ file })
}
