import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { PkiError } from '@fleetcert/x509'
import { type Identity, type Recipient, Stanza } from 'age-encryption'

const label = 'age-encryption.org/v1/scrypt'
const saltOctets = 16
const tagOctets = 16
const fileKeyOctets = 16
const cipherName = 'chacha20-poly1305'
// "The nonce is fixed as twelve 0x00 bytes": each key encrypts one file key only.
const nonce = Buffer.alloc(12)

/**
 * 2^17 rounds take 128 MiB and a third of a second, as OWASP's first choice for scrypt does; age's own default, 2^18, would alone take more memory than a whole backup may.
 */
const workFactor = 17
/** What age itself writes. One more would be half a gigabyte, for a file that may be anybody's. */
const highestWorkFactor = 18

const derive = promisify(
  scrypt as (
    password: string,
    salt: Uint8Array,
    keyLength: number,
    options: { N: number; r: number; p: number; maxmem: number },
    callback: (error: Error | null, key: Buffer) => void,
  ) => void,
)

/** Wraps a file key under a passphrase as age's scrypt recipient does, in the thread pool: the library's own would stop the event loop for more than a second. */
export function scryptRecipient(passphrase: string): Recipient {
  return {
    async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
      const salt = randomBytes(saltOctets)
      const cipher = createCipheriv(cipherName, await wrappingKey(passphrase, salt, workFactor), nonce, {
        authTagLength: tagOctets,
      })
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
      return [new Stanza(['scrypt', base64(salt), String(workFactor)], body)]
    },
  }
}

/** What unwraps it. @throws PkiError `ERR_PKI_BACKUP` for a stanza that is malformed, or asks for more work than a backup of ours may. */
export function scryptIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
      const stanza = stanzas.find(({ args }) => args[0] === 'scrypt')
      if (stanza === undefined) return null
      const [, saltText = '', factorText = ''] = stanza.args
      const salt = Buffer.from(saltText, 'base64')
      const factor = Number(factorText)
      // "A scrypt stanza, if present, MUST be the only stanza in the header."
      const isOne = stanzas.length === 1 && stanza.args.length === 3 && /^[1-9][0-9]?$/.test(factorText)
      if (!isOne || salt.length !== saltOctets || base64(salt) !== saltText) throw malformed('malformed scrypt stanza')
      if (stanza.body.length !== fileKeyOctets + tagOctets) throw malformed('malformed scrypt stanza')
      if (factor > highestWorkFactor) throw malformed(`scrypt work factor ${factor} is above ${highestWorkFactor}`)
      const decipher = createDecipheriv(cipherName, await wrappingKey(passphrase, salt, factor), nonce, {
        authTagLength: tagOctets,
      })
      decipher.setAuthTag(stanza.body.subarray(fileKeyOctets))
      const fileKey = decipher.update(stanza.body.subarray(0, fileKeyOctets))
      try {
        decipher.final()
      } catch {
        return null
      }
      return new Uint8Array(fileKey)
    },
  }
}

async function wrappingKey(passphrase: string, salt: Uint8Array, factor: number): Promise<Buffer> {
  const N = 2 ** factor
  const r = 8
  return derive(passphrase, Buffer.concat([Buffer.from(label), salt]), 32, { N, r, p: 1, maxmem: 132 * N * r })
}

/** Standard base64 without padding. */
function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64').replace(/=+$/, '')
}

function malformed(reason: string): PkiError {
  return new PkiError('ERR_PKI_BACKUP', { reason })
}
