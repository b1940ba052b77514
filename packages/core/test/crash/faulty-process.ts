import { type Keyring, PkiError, type Signer, type Store } from '@fleetcert/core'
import { keyId } from '@fleetcert/x509'
import { idKey, type Observations, type SigningRequest } from './observations.ts'
import { PowerCut } from './power-cut.ts'
import { certificateIdOf } from './read-records.ts'

/**
 * What befalls one call to the store, the keyring or a signer:
 * `cutBefore`, `cutAfter`: the process dies before or after the call takes effect;
 * `replyLost`: it takes effect and fails for the caller, who lives on; `refused`: it has no effect and fails; `late`: it fails and takes effect behind the next call;
 * `aborted`: the caller gives up just before it.
 */
export type Fault = 'cutBefore' | 'cutAfter' | 'replyLost' | 'refused' | 'late' | 'aborted'

/** One process: what it works on, and how it dies. */
export interface FaultyProcess {
  readonly store: Store
  readonly keyring: Keyring
  /** Names of the calls since it was armed, in order. */
  readonly calls: readonly string[]
  readonly dead: boolean
  /** Given to the operations as their signal; a new one each time it is armed. */
  readonly signal: AbortSignal
  /** Counts from 1 again, and lets the fault befall the call of that number. */
  arm(fault?: { readonly at: number; readonly fault: Fault }): void
  /** What was to take effect late has. */
  settle(): Promise<void>
  kill(): void
}

export interface ProcessParts {
  /** The real ones: they outlive the process. */
  readonly store: Store
  readonly keyring: Keyring
  readonly observations: Observations
  /** Waits for its turn, before a call takes effect and before its answer comes; rejects when the process has died meanwhile. */
  readonly turn?: (call: string, stage: 'call' | 'answer', process: FaultyProcess) => Promise<void>
  /** Draws a fault for a call, beside the one that was armed. */
  readonly draw?: (call: string) => Fault | undefined
}

type Method = (...args: unknown[]) => Promise<unknown>
type Part = 'store' | 'keyring' | 'signer'

/** Every method of store, keyring and signers goes through one gate; a method that is added later does too. */
export function createProcess({ store, keyring, observations, turn, draw }: ProcessParts): FaultyProcess {
  let armed: { readonly at: number; readonly fault: Fault } | undefined
  let calls: string[] = []
  let dead = false
  let giveUp = new AbortController()
  let delayed: (() => Promise<unknown>) | undefined

  const alive = (): void => {
    if (dead) throw new PowerCut('the process is dead')
  }
  const settle = async (): Promise<void> => {
    const late = delayed
    delayed = undefined
    await late?.()
  }
  const gate = async (part: Part, name: string, run: () => Promise<unknown>): Promise<unknown> => {
    alive()
    const call = `${part}.${name}`
    await turn?.(call, 'call', self)
    alive()
    calls.push(call)
    const fault = armed?.at === calls.length ? armed.fault : draw?.(call)
    if (fault === 'cutBefore') dead = true
    alive()
    if (fault === 'aborted') giveUp.abort(new Error('simulated: the caller gave up'))
    if (fault === 'refused') throw failureOf(part)
    if (fault === 'late') {
      // Its own failure is as unheard as its answer.
      delayed = () => run().catch(() => {})
      throw failureOf(part)
    }
    let answer: unknown
    try {
      answer = await run()
    } finally {
      await settle()
    }
    if (fault === 'cutAfter') dead = true
    alive()
    if (turn !== undefined) {
      await turn(call, 'answer', self)
      alive()
    }
    if (fault === 'replyLost') throw failureOf(part)
    return answer
  }

  const through = <T extends object>(part: Part, target: T, own: Partial<T>): T =>
    new Proxy(target, {
      get(object, name) {
        if (name in own) return own[name as keyof T]
        const value: unknown = Reflect.get(object, name, object)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => gate(part, String(name), () => (value as Method).apply(object, args))
      },
    })

  const observed = (signer: Signer): Signer => {
    const issuerKeyId = keyId(signer.publicKey)
    const signing: Signer = {
      algorithm: signer.algorithm,
      publicKey: signer.publicKey,
      async sign(message, options) {
        const bytes = message instanceof Uint8Array ? message : Buffer.concat([...message])
        const request = { issuerKeyId, algorithm: signer.algorithm, message: bytes }
        observations.signing.push(request)
        await checkReserved(store, request, observations)
        const signature = await signer.sign(bytes, options)
        observations.signed.push({ ...request, signature })
        return signature
      },
    }
    return through('signer', signing, {})
  }
  const opened = async (answer: Promise<unknown>): Promise<unknown> => {
    const signer = (await answer) as Signer | undefined
    return signer === undefined ? undefined : observed(signer)
  }

  const self: FaultyProcess = {
    // What the process opened closes with it; the real store stays.
    store: through('store', store, { close: async () => {}, [Symbol.asyncDispose]: async () => {} }),
    keyring: through('keyring', keyring, {
      create: (name, algorithm) =>
        opened(gate('keyring', 'create', () => keyring.create(name, algorithm))) as Promise<Signer>,
      open: name => opened(gate('keyring', 'open', () => keyring.open(name))) as Promise<Signer | undefined>,
    }),
    get calls() {
      return calls
    },
    get dead() {
      return dead
    },
    get signal() {
      return giveUp.signal
    },
    arm(fault) {
      armed = fault
      calls = []
      giveUp = new AbortController()
    },
    settle,
    kill() {
      dead = true
    },
  }
  return self
}

function failureOf(part: Part): Error {
  switch (part) {
    case 'store':
      return new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
    case 'keyring':
      return new PkiError('ERR_PKI_KEY_UNREADABLE', { name: 'any', reason: 'simulated' })
    case 'signer':
      return new Error('simulated: the token was removed')
  }
}

/** A certificate must be on record before it is signed, not a moment later. */
async function checkReserved(store: Store, request: SigningRequest, { violations }: Observations): Promise<void> {
  const id = certificateIdOf(request)
  if (id === undefined) return
  const record = await store.certificate(id)
  if (record?.tbsCertificate === undefined || Buffer.compare(record.tbsCertificate, request.message) !== 0) {
    violations.push(`${idKey(id)} was signed before it was on record`)
  }
}
