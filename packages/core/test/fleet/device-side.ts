import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  createCertificationRequest,
  type Fleet,
  type FleetEvent,
  memoryKeyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
  type Signer,
  type Store,
} from '@fleetcert/core'

export const day = 86_400

/** A fleet whose time stands still until it is told to go on, on a store that outlives it. */
export interface TimedFleet {
  readonly fleet: Fleet
  readonly store: Store
  readonly now: () => Date
  later(seconds: number): void
  history(): Promise<FleetEvent[]>
  /** Another process on the same store and keys. */
  another(options?: Partial<OpenFleetOptions>): Promise<Fleet>
}

export async function timedFleet(
  options: Partial<OpenFleetOptions> = {},
  change: (store: Store) => Store = store => store,
): Promise<TimedFleet> {
  let now = new Date('2026-11-21T12:00:00.500Z')
  const clock = (): Date => now
  const kept = memoryStore({ clock })
  // A fleet closes the store that it opened; this one is closed with the last of them.
  const store: Store = { ...kept, close: async () => {}, [Symbol.asyncDispose]: async () => {} }
  const keyring = memoryKeyring()
  const another = (own: Partial<OpenFleetOptions> = {}): Promise<Fleet> =>
    openFleet({ store: change(store), keyring, clock, background: false, ...options, ...own })
  const fleet = await another()
  return {
    fleet,
    store,
    now: clock,
    later(seconds) {
      now = new Date(now.getTime() + seconds * 1000)
    },
    async history() {
      const events: FleetEvent[] = []
      for await (const event of fleet.events({ follow: false })) events.push(event)
      return events
    },
    another,
  }
}

/** A device's key. */
export interface DeviceKey {
  readonly csr: Uint8Array
}

export async function deviceKey(): Promise<DeviceKey> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    csr: await createCertificationRequest({
      subject: [[{ type: 'CN', value: 'ignored' }]],
      signer: signerOf(privateKey),
    }),
  }
}

function signerOf(privateKey: KeyObject): Signer {
  return {
    algorithm: 'ecdsa-with-SHA256',
    publicKey: new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
    async sign(message) {
      const bytes = message instanceof Uint8Array ? message : Buffer.concat([...message])
      return new Uint8Array(sign('sha256', bytes, privateKey))
    },
  }
}
