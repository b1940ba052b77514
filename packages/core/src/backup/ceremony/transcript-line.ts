import { createHash } from 'node:crypto'
import { decodePem, formatFingerprint, PkiError } from '@fleetcert/x509'

/** The format that is written, and the newest that is read. */
export const transcriptFormat = 1

/** What an entry of a transcript says beyond its words; flat, so that it reads the same in every language. */
export type TranscriptDetails = Readonly<Record<string, string | number | boolean>>

/** An entry of a transcript. */
export interface TranscriptEntry {
  /** From 1. */
  readonly entry: number
  /** When. */
  readonly at: Date
  /** What was done, in the words of whoever did it. */
  readonly what: string
  /** What goes with it. */
  readonly details: TranscriptDetails
}

/** An entry and what holds it in its place. */
export interface TranscriptLine extends TranscriptEntry {
  /** SHA-256 of the line before, hex; empty in the first. */
  readonly previous: string
  /** Of the last line alone, hex. */
  readonly signature?: string
}

const longestWhat = 500
const longestValue = 4000
// Whoever keeps a transcript shows it to others.
const secrets = /PRIVATE KEY|AGE-SECRET-KEY-|FCS1-/i

/** One line, without its end. */
export function encodeLine({ entry, at, what, details, previous, signature }: TranscriptLine): string {
  return JSON.stringify({ entry, at: at.toISOString(), what, details, previous, signature })
}

/** SHA-256 of a line, hex. */
export function lineDigest(line: string): string {
  return createHash('sha256').update(line).digest('hex')
}

/** What the last line's signature is over: nothing else that a CA signs begins so. */
export function sealedText(line: TranscriptLine): Uint8Array {
  const { signature: _, ...unsigned } = line
  return Buffer.from(`fleetcert transcript ${transcriptFormat}\n${lineDigest(encodeLine(unsigned))}\n`)
}

/** Reads one line; `undefined` for what is none. */
export function decodeLine(text: string): TranscriptLine | undefined {
  let value: Partial<Record<keyof TranscriptLine, unknown>>
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { entry, at, what, details, previous, signature } = value ?? {}
  const isLine =
    typeof entry === 'number' &&
    typeof at === 'string' &&
    typeof what === 'string' &&
    typeof details === 'object' &&
    details !== null &&
    typeof previous === 'string' &&
    (signature === undefined || typeof signature === 'string')
  const date = new Date(isLine ? (at as string) : Number.NaN)
  if (!isLine || Number.isNaN(date.getTime())) return undefined
  const line: TranscriptLine = {
    entry,
    at: date,
    what,
    details: details as TranscriptDetails,
    previous,
    ...(signature === undefined ? {} : { signature }),
  }
  // One spelling each: what is signed is the line's octets.
  return encodeLine(line) === text ? line : undefined
}

/**
 * Details as they are written: octets as their SHA-256, PEM as the label and fingerprint of each block, as `openssl x509 -fingerprint -sha256` shows them.
 * @throws TypeError for a value of another kind, and for anything that looks like a secret.
 */
export function toDetails(
  details: Readonly<Record<string, string | number | boolean | Uint8Array>>,
): TranscriptDetails {
  if (typeof details !== 'object' || details === null) throw new TypeError('details: expected an object')
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, toDetail(name, value)]))
}

function toDetail(name: string, value: string | number | boolean | Uint8Array): string | number | boolean {
  if (value instanceof Uint8Array) return fingerprint(value)
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value
  if (typeof value !== 'string' || value.length > 64 * longestValue)
    throw new TypeError(`details.${name}: expected text, a number, a boolean or octets`)
  checkPublic(`details.${name}`, value)
  const text = value.includes('-----BEGIN ') ? blocksOf(name, value) : value
  if (text.length > longestValue) throw new TypeError(`details.${name}: expected at most ${longestValue} characters`)
  return text
}

/** @throws TypeError for what is no sentence, or looks like a secret. */
export function checkWhat(what: string): void {
  if (typeof what !== 'string' || what.trim() === '' || what.length > longestWhat) {
    throw new TypeError(`what: expected 1 to ${longestWhat} characters`)
  }
  checkPublic('what', what)
}

function checkPublic(label: string, text: string): void {
  if (secrets.test(text)) throw new TypeError(`${label}: a transcript is shown to others, and this looks like a secret`)
}

function blocksOf(name: string, pem: string): string {
  try {
    return decodePem(pem)
      .map(({ label, der }) => `${label} ${fingerprint(der)}`)
      .join(', ')
  } catch (cause) {
    throw new TypeError(`details.${name}: expected PEM that can be read`, { cause })
  }
}

function fingerprint(octets: Uint8Array): string {
  return formatFingerprint(createHash('sha256').update(octets).digest())
}

/** `ERR_PKI_TRANSCRIPT`, of one entry or of the whole. */
export function notGenuine(reason: string, entry?: number): PkiError {
  return new PkiError('ERR_PKI_TRANSCRIPT', { reason, ...(entry === undefined ? {} : { entry }) })
}
