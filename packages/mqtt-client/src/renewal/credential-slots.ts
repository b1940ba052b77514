import type { PkiError } from '@fleetcert/x509'
import { isBusy } from '../attempt-end.ts'
import type { CredentialSource } from '../credential-source.ts'
import type { Speaker } from '../hub/hub-transport.ts'
import type { LoadedState, StoredCredential } from '../identity/identity-state.ts'
import { currentCredential, pendingCredential, type RenewableIdentity } from '../identity/renewable-identity.ts'
import { type CredentialPreparer, createCredentialPreparer, type TlsCredential } from '../read-credential.ts'

/** One slot of an identity, ready for TLS. */
export interface Slot extends StoredCredential, Speaker {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Both slots, as they were when they were read. */
export interface Slots {
  readonly current?: Slot
  /** Absent until the hub has answered. */
  readonly pending?: Slot
}

/** What the slots are asked, and what they tell. */
export interface CredentialSlotsOptions {
  readonly identity: RenewableIdentity
  /** Which one is tried first. `pending` for whoever can confirm it. */
  readonly prefer: 'current' | 'pending'
  readonly now: () => Date
  /** Called before an attempt when there is nothing but a current certificate that has expired. */
  readonly onExpired?: () => Promise<void>
  /** A session began, or an attempt was refused. */
  readonly onChange?: () => void
}

/** A broker's no, or a device's no to the broker. */
export interface Refusal {
  /** Of the credential. */
  readonly fingerprint: string
  readonly error: PkiError
}

/** The two slots of an identity as one source of credentials, and what brokers made of them. */
export interface CredentialSlots {
  readonly source: CredentialSource
  readonly prepare: CredentialPreparer
  /** The fingerprint with which the last session began; `undefined` once an attempt has failed since. */
  readonly inUse: string | undefined
  /** The last refusal that nobody has looked at yet. */
  takeRefusal(): Refusal | undefined
  /** Lets a credential that was refused be tried again. */
  forgive(): void
}

/**
 * Chooses between the two slots before each attempt. Whichever was refused last is passed over for the other one, so whatever a crash has left in them, and whichever of the two the fleet knows to be good, one of two
 * attempts is made with it.
 */
export function createCredentialSlots(options: CredentialSlotsOptions): CredentialSlots {
  const { identity, prefer, now, onExpired, onChange = () => {} } = options
  const prepare = createCredentialPreparer(2)
  let inUse: string | undefined
  let passedOver: string | undefined
  let refusal: Refusal | undefined
  let seen: Slots = {}

  async function next(): Promise<TlsCredential> {
    seen = slotsOf(await identity.storage.load(), prepare)
    if (seen.current === undefined && seen.pending === undefined) {
      // Enrols, or says what is missing.
      await identity.credential()
      seen = slotsOf(await identity.storage.load(), prepare)
    }
    if (seen.pending === undefined && seen.current !== undefined && isOver(seen.current) && onExpired !== undefined) {
      await onExpired()
      seen = slotsOf(await identity.storage.load(), prepare)
    }
    return choose().tls
  }

  function choose(): Slot {
    const { current, pending } = seen
    const slots = (prefer === 'pending' ? [pending, current] : [current, pending]).filter(slot => slot !== undefined)
    const good = slots.filter(slot => !isOver(slot))
    // If both seem to have ended it may be the clock that is wrong.
    const usable = good.length > 0 ? good : slots
    return usable.find(({ fingerprint }) => fingerprint !== passedOver) ?? usable[0]!
  }

  function isOver({ notAfter }: Slot): boolean {
    return notAfter.getTime() <= now().getTime()
  }

  return {
    source: {
      next,
      connected({ fingerprint }) {
        inUse = fingerprint
        onChange()
      },
      failed({ fingerprint }, error) {
        inUse = undefined
        if (!concernsCredential(error)) return false
        const hasOther = [seen.current, seen.pending].some(slot => (slot?.fingerprint ?? fingerprint) !== fingerprint)
        passedOver = fingerprint
        refusal = { fingerprint, error }
        onChange()
        return hasOther
      },
    },
    prepare,
    get inUse() {
      return inUse
    },
    takeRefusal() {
      const taken = refusal
      refusal = undefined
      return taken
    },
    forgive() {
      passedOver = undefined
    },
  }
}

/**
 * The slots of a state that was read. One that cannot be used is left out, unless there is no other.
 *
 * @throws PkiError as {@link prepareCredential}
 */
export function slotsOf(loaded: LoadedState, prepare: CredentialPreparer): Slots {
  const slotOf = (credential: StoredCredential | undefined): Slot | undefined => {
    if (credential === undefined) return undefined
    const tls = prepare(credential)
    const { fingerprint, notBefore, notAfter } = tls
    return { ...credential, fingerprint, notBefore, notAfter, tls }
  }
  const pending = unlessUnusable(() => slotOf(pendingCredential(loaded)))
  const readCurrent = (): Slot | undefined => slotOf(currentCredential(loaded))
  const current = pending === undefined ? readCurrent() : unlessUnusable(readCurrent)
  return { ...(current && { current }), ...(pending && { pending }) }
}

function unlessUnusable(read: () => Slot | undefined): Slot | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Whether the other credential may fare better: not when nobody answers, and not when the broker is busy. */
function concernsCredential({ code, details }: PkiError): boolean {
  if (code === 'ERR_PKI_BROKER_REFUSED') return !isBusy((details as { reasonCode?: number }).reasonCode ?? -1)
  return code.startsWith('ERR_PKI_CLIENT_') || code === 'ERR_PKI_SERVER_UNTRUSTED' || code === 'ERR_PKI_TLS'
}
