import { parseFingerprint } from '@fleetcert/x509'

/** From when to when a certificate is valid, both inclusive. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A span of time out of which each device takes a moment of its own. */
export interface RenewalWindow {
  readonly start: Date
  readonly end: Date
}

/**
 * When a certificate is renewed: a moment inside the window that its fingerprint picks, evenly over the fleet (RFC 9773 section 4.2: "Select a uniform random time within the suggested window"). The fingerprint is
 * as good as random, new with each certificate, and the same after a restart.
 *
 * Without a window of the hub it is two thirds of the lifetime, give or take a twelfth. Never in the last twentieth, which is kept for trying again.
 */
export function renewalTime({ notBefore, notAfter }: Validity, fingerprint: string, window?: RenewalWindow): Date {
  const from = notBefore.getTime()
  const lifetime = notAfter.getTime() - from
  const start = window?.start.getTime() ?? from + (lifetime * 7) / 12
  const end = window?.end.getTime() ?? from + (lifetime * 9) / 12
  const picked = start + (end - start) * fractionOf(fingerprint)
  return new Date(Math.min(picked, from + (lifetime * 19) / 20))
}

/** From 0 to 1, without 1. */
function fractionOf(fingerprint: string): number {
  return Buffer.from(parseFingerprint(fingerprint)).readUIntBE(0, 6) / 2 ** 48
}

/**
 * How long to wait before a step is tried again: a ceiling that doubles from a minute to six hours, for short-lived certificates less, of which a random half is waited; or what the hub asks for, and up to a tenth
 * on top, so that those who were sent away together do not come back together.
 */
export function retrySeconds(
  failures: number,
  { notBefore, notAfter }: Validity,
  { random, retryAfterSeconds = 0 }: { readonly random: () => number; readonly retryAfterSeconds?: number | undefined },
): number {
  const lifetimeSeconds = (notAfter.getTime() - notBefore.getTime()) / 1000
  const least = Math.min(60, lifetimeSeconds / 60)
  const most = Math.min(21_600, lifetimeSeconds / 12)
  const ceiling = Math.min(most, least * 2 ** Math.min(failures, 32))
  return Math.max(ceiling * (0.5 + random() / 2), retryAfterSeconds * (1 + random() / 10))
}
