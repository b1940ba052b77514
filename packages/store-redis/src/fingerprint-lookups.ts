import type { CertificateRecord } from '@fleetcert/core'
import { assertHash } from './arguments.ts'
import { decodeRow } from './certificate-row.ts'
import { asBuffer } from './octets.ts'
import { isNothing, listOf, octetsOf } from './replies.ts'
import { certificatesByFingerprint } from './scripts/certificate.ts'
import type { Server } from './server.ts'

/** What one script looks up: others wait meanwhile. */
const mostPerScript = 32

interface Lookup {
  readonly fingerprint: Buffer
  readonly resolve: (record: CertificateRecord | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Looks up certificates by fingerprint, those of one turn of the event loop together: a command of its own for each costs several times what the look-up does, here and at the server. Whoever asks is never given what was
 * read before he asked.
 */
export function fingerprintLookups(
  server: Server,
): (fingerprint: Uint8Array) => Promise<CertificateRecord | undefined> {
  let waiting: Lookup[] = []

  const send = async (lookups: readonly Lookup[]): Promise<void> => {
    try {
      const fields = Buffer.concat(lookups.map(({ fingerprint }) => fingerprint.subarray(0, 16)))
      const rows = listOf(await server.read(certificatesByFingerprint, fields))
      for (const [index, lookup] of lookups.entries()) answer(lookup, rows[index])
    } catch (error) {
      for (const { reject } of lookups) reject(error)
    }
  }
  const sendAll = (): void => {
    const lookups = waiting
    waiting = []
    for (let first = 0; first < lookups.length; first += mostPerScript) {
      void send(lookups.slice(first, first + mostPerScript))
    }
  }

  return async fingerprint => {
    assertHash(fingerprint, 'fingerprint')
    return new Promise((resolve, reject) => {
      // Once what the last answers set going has asked as well.
      if (waiting.length === 0) process.nextTick(sendAll)
      waiting.push({ fingerprint: asBuffer(fingerprint), resolve, reject })
    })
  }
}

function answer({ fingerprint, resolve, reject }: Lookup, row: unknown): void {
  try {
    if (isNothing(row)) {
      resolve(undefined)
      return
    }
    const record = decodeRow(octetsOf(row), '')
    // The index holds only its first octets.
    resolve(record.fingerprint !== undefined && fingerprint.equals(record.fingerprint) ? record : undefined)
  } catch (error) {
    reject(error)
  }
}
