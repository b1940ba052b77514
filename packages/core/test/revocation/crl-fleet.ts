import {
  type CertificateRecord,
  type Fleet,
  type Keyring,
  memoryKeyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
  type Store,
} from '@fleetcert/core'
import { type CertificateRevocationList, parseCrl } from '@fleetcert/x509'

/** A fleet with a clock of its own, over a store that may be made to fail. */
export interface CrlBench {
  readonly store: Store
  readonly keyring: Keyring
  now: Date
  later(seconds: number): void
  open(options?: Partial<OpenFleetOptions>): Promise<Fleet>
}

export const publish: NonNullable<OpenFleetOptions['publish']> = { baseUrl: 'http://pki.example' }

export function crlBench(): CrlBench {
  const bench: CrlBench = {
    store: memoryStore({ clock: () => bench.now }),
    keyring: memoryKeyring(),
    now: new Date('2026-11-21T12:00:00.500Z'),
    later(seconds) {
      bench.now = new Date(bench.now.getTime() + seconds * 1000)
    },
    open: options =>
      openFleet({
        // Closing one fleet leaves the store to the next.
        store: changedStore(bench.store, { close: async () => {}, [Symbol.asyncDispose]: async () => {} }),
        keyring: bench.keyring,
        clock: () => bench.now,
        background: false,
        onWarning: () => {},
        ...options,
      }),
  }
  return bench
}

/** A store some of whose methods are others. */
export function changedStore(store: Store, changes: Partial<Store>): Store {
  return Object.assign(Object.create(store) as Store, bound(store), changes)
}

function bound(store: Store): Partial<Store> {
  return Object.fromEntries(
    Object.entries(store).map(([name, value]) => [name, typeof value === 'function' ? value.bind(store) : value]),
  )
}

export async function readCrl(
  fleet: Fleet,
  request?: Parameters<Fleet['crl']>[0],
): Promise<CertificateRevocationList & { readonly reasons: Readonly<Record<string, string>> }> {
  const crl = parseCrl((await fleet.crl(request)).der)
  const reasons = crl.entries.map(({ serialNumber, reason = 'unspecified' }) => [serialNumber, reason])
  return { ...crl, reasons: Object.fromEntries(reasons) }
}

export async function recordOf(store: Store, fingerprint: string): Promise<CertificateRecord> {
  const octets = Buffer.from(fingerprint.replaceAll(':', ''), 'hex')
  return (await store.certificate({ fingerprint: octets }))!
}
