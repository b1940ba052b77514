import {
  encodeCertId,
  encodeOcspRequest,
  type Fleet,
  type Keyring,
  memoryKeyring,
  memoryStore,
  type OcspAnswer,
  type OpenFleetOptions,
  openFleet,
  parseCertificate,
  parseOcspResponse,
  type Store,
  verifyOcspResponse,
} from '@fleetcert/core'
import { type Certificate, type OcspHash, type SingleOcspResponse, toHex } from '@fleetcert/x509'

/** A store whose calls are counted, and may be made to wait or to fail. */
export interface WatchedStore {
  readonly store: Store
  readonly calls: string[]
  /** Asked before each call. */
  before: (name: string) => Promise<void> | void
  /** Asked behind each call, before its answer comes. */
  after: (name: string) => Promise<void> | void
}

export function watchedStore(store: Store): WatchedStore {
  const watched: WatchedStore = {
    calls: [],
    before: () => {},
    after: () => {},
    store: new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function' || typeof name !== 'string') return value
        return async (...args: unknown[]) => {
          watched.calls.push(name)
          await watched.before(name)
          const answer: unknown = await (value as (...args: unknown[]) => unknown).apply(target, args)
          await watched.after(name)
          return answer
        }
      },
    }),
  }
  return watched
}

/** A fleet to ask, with a clock that stands still. */
export interface OcspFleet extends WatchedStore {
  readonly fleet: Fleet
  readonly issuingCa: Certificate
  readonly root: Certificate
  now: Date
  later(seconds: number): void
  /** A request for certificates of the issuing CA. */
  request(serialNumbers: string | readonly string[], options?: { hash?: OcspHash; nonce?: Uint8Array }): Uint8Array
  ask(serialNumber: string, options?: { hash?: OcspHash; nonce?: Uint8Array }): Promise<OcspAnswer>
  /** What the answer says once it is verified; a failed one says its status. */
  judge(answer: OcspAnswer, serialNumber: string, options?: { nonce?: Uint8Array; issuer?: Certificate }): Verdict
  /** {@link ask}, judged. */
  statusOf(serialNumber: string): Promise<string>
  /** Another process on the same store. */
  open(options?: Partial<OpenFleetOptions>): Promise<Fleet>
}

export type Verdict = SingleOcspResponse | string

export async function openOcspFleet(
  options: Partial<OpenFleetOptions> & { keyring?: Keyring | { root: Keyring; issuing: Keyring } } = {},
): Promise<OcspFleet> {
  const keyring = options.keyring ?? memoryKeyring()
  const watched = watchedStore(memoryStore({ clock: () => self.now }))
  const open = (more: Partial<OpenFleetOptions> = {}): Promise<Fleet> =>
    openFleet({ clock: () => self.now, background: false, keyring, store: watched.store, ...options, ...more })
  const self = Object.assign(watched, {
    now: new Date('2026-11-21T12:00:00.500Z'),
    later(seconds: number): void {
      self.now = new Date(self.now.getTime() + seconds * 1000)
    },
    open,
  }) as unknown as OcspFleet & { fleet: Fleet; issuingCa: Certificate; root: Certificate }
  self.fleet = await open()
  for await (const { role, certificate } of self.fleet.issuers()) {
    if (role === 'root') self.root = parseCertificate(certificate)
    else self.issuingCa = parseCertificate(certificate)
  }
  return Object.assign(self, {
    request(serialNumbers, { hash, nonce } = {}) {
      const certIds = [serialNumbers].flat().map(serialNumber => encodeCertId(self.issuingCa, serialNumber, hash))
      return encodeOcspRequest(certIds, nonce === undefined ? {} : { nonce })
    },
    ask: (serialNumber, how) => self.fleet.ocsp(self.request(serialNumber, how)),
    judge(answer, serialNumber, { nonce, issuer = self.issuingCa } = {}) {
      const response = parseOcspResponse(answer.der)
      if (response.status !== answer.responseStatus) throw new Error('the answer is not what it says')
      if (response.status !== 'successful') return response.status
      return verifyOcspResponse(response, {
        issuer,
        serialNumber,
        at: self.now,
        ...(nonce === undefined ? {} : { nonce }),
      })
    },
    async statusOf(serialNumber) {
      const verdict = self.judge(await self.ask(serialNumber), serialNumber)
      if (typeof verdict === 'string') return verdict
      return verdict.reason === undefined ? verdict.certStatus : `${verdict.certStatus} ${verdict.reason}`
    },
  } satisfies Partial<OcspFleet>)
}

/** The first certificate that came with an answer. */
export function responderOf(answer: OcspAnswer): Certificate {
  const response = parseOcspResponse(answer.der)
  if (response.status !== 'successful') throw new Error(response.status)
  return parseCertificate(response.certificates[0]!)
}

export const hexOf = (answer: OcspAnswer): string => toHex(answer.der)
