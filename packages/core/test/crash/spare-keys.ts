import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createCertificationRequest, type Keyring, PkiError, type Signer } from '@fleetcert/core'

/** Keys take longer to make than all else that a simulated fleet does, and node:crypto makes them on other threads: so they are made beforehand, and used in every run. */
export interface SpareKeys {
  /** An empty keyring whose keys come from the stock. */
  keyring(): Keyring
  /** Certification requests, DER, one after the other, each of a key of its own; from the first again for each caller. */
  requests(): () => Uint8Array
}

export async function makeSpareKeys(count: number): Promise<SpareKeys> {
  const signers = Array.from({ length: count }, signerOfNewKey)
  const requests = await Promise.all(
    signers.map(signer => createCertificationRequest({ subject: [[{ type: 'CN', value: 'not copied' }]], signer })),
  )
  const authorities = { root: signerOfNewKey(), ca: signerOfNewKey() }
  return {
    keyring: () => spareKeyring(authorities),
    requests() {
      let next = 0
      return () => {
        const request = requests[next]
        if (request === undefined) throw new RangeError(`more than ${count} certification requests in one run`)
        next += 1
        return request
      }
    },
  }
}

function spareKeyring(spare: Readonly<Record<string, Signer>>): Keyring {
  const names = new Set<string>()
  return {
    async create(name) {
      if (names.has(name)) throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
      names.add(name)
      return spare[name]!
    },
    open: async name => (names.has(name) ? spare[name] : undefined),
    list: async () => [...names].sort(),
    async delete(name) {
      names.delete(name)
    },
  }
}

/** Signs on this thread, so that nothing but the schedule decides what comes first. */
function signerOfNewKey(): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    algorithm: 'ecdsa-with-SHA256',
    publicKey: new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
    sign: async message => signNow(message, privateKey),
  }
}

function signNow(message: Uint8Array | Iterable<Uint8Array>, key: KeyObject): Uint8Array {
  const bytes = message instanceof Uint8Array ? message : Buffer.concat([...message])
  return new Uint8Array(sign('sha256', bytes, key))
}
