import { isPkiError } from '@fleetcert/x509'
import type { HubTransport, RenewalInfo } from '../hub/hub-transport.ts'
import type { Slot } from './credential-slots.ts'
import { type RenewalWindow, retrySeconds } from './renewal-time.ts'
import type { Timekeeper } from './timekeeper.ts'

/** Asks the hub now and then when to renew, and whom to believe. */
export interface RenewalPoll {
  /** Until it is time to ask; 0 or less: now. */
  readonly secondsLeft: number
  /** What the hub said last of that certificate. */
  windowOf(fingerprint: string): RenewalWindow | undefined
  /** Asks, and hands over the answer. Never rejects: that the hub does not answer is no failure, for there is a time to renew without it. `false`: nothing has changed. */
  ask(current: Slot, use: (info: RenewalInfo) => Promise<boolean>): Promise<boolean>
  /** Lets the next time be now. */
  askSoon(): void
}

/** What polling needs. */
export interface RenewalPollOptions {
  readonly transport: HubTransport
  readonly time: Timekeeper
  readonly pollSeconds: number
  onFailure(error: unknown): void
}

/** Makes a poll whose first time is within a minute: devices that are switched on together do not ask together. */
export function createRenewalPoll({ transport, time, pollSeconds, onFailure }: RenewalPollOptions): RenewalPoll {
  let last: { readonly fingerprint: string; readonly window: RenewalWindow } | undefined
  let askAt = time.elapsedSeconds() + time.random() * Math.min(60, pollSeconds)
  let failures = 0

  function askAfter(seconds: number): void {
    askAt = time.elapsedSeconds() + Math.min(86_400, seconds) * (0.9 + time.random() / 5)
  }

  return {
    get secondsLeft() {
      return askAt - time.elapsedSeconds()
    },
    windowOf: fingerprint => (last?.fingerprint === fingerprint ? last.window : undefined),
    async ask(current, use) {
      try {
        const info = await transport.renewalInfo(current)
        failures = 0
        askAfter(Math.max(1, info.retryAfterSeconds ?? pollSeconds))
        if (info.fingerprint === current.fingerprint) last = { fingerprint: info.fingerprint, window: info.window }
        return await use(info)
      } catch (error) {
        failures += 1
        askAfter(retrySeconds(failures, current, { random: time.random, retryAfterSeconds: retryAfterOf(error) }))
        onFailure(error)
        return false
      }
    },
    askSoon() {
      askAt = time.elapsedSeconds()
    },
  }
}

/** What a hub that refused has said of when to come again. */
export function retryAfterOf(error: unknown): number | undefined {
  return isPkiError(error, 'ERR_PKI_HUB_REFUSED') ? error.details.retryAfterSeconds : undefined
}
