import { type Keyring, memoryKeyring, type Signer } from '@fleetcert/core'

/** A keyring of an HSM that can be carried away, and counts what it signs. */
export interface AwayKeyring extends Keyring {
  isAway: boolean
  signatures: number
}

export function awayKeyring(): AwayKeyring {
  const inner = memoryKeyring()
  const wrap = (signer: Signer): Signer => ({
    ...signer,
    async sign(message, options) {
      if (keyring.isAway) throw new Error('the HSM is away')
      keyring.signatures += 1
      return signer.sign(message, options)
    },
  })
  const keyring: AwayKeyring = {
    isAway: false,
    signatures: 0,
    create: async (name, algorithm) => wrap(await inner.create(name, algorithm)),
    async open(name) {
      const signer = await inner.open(name)
      return signer === undefined ? undefined : wrap(signer)
    },
    list: () => inner.list(),
    delete: name => inner.delete(name),
  }
  return keyring
}
