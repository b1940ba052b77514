import { parseCertificate, parseSignatureAlgorithm, toHex, verifySignature } from '@fleetcert/x509'
import {
  decodeLine,
  lineDigest,
  notGenuine,
  sealedText,
  type TranscriptEntry,
  type TranscriptLine,
  transcriptFormat,
} from './transcript-line.ts'

/** What a transcript was proved to say. */
export interface VerifiedTranscript {
  /** Of the ceremony. */
  readonly title: string
  /** In order, the first `begun` and the last `sealed`. */
  readonly entries: readonly TranscriptEntry[]
  /** SHA-256 of its last line, hex: what witnesses write down. */
  readonly digest: string
}

/** Options of {@link verifyTranscript}. */
export interface VerifyTranscriptOptions {
  /** Of the CA whose key has sealed it: PEM or DER. */
  readonly certificate: string | Uint8Array
}

/**
 * Proves that a transcript is what was recorded: no entry was changed, left out, put in or moved, and the key of the certificate given has sealed it.
 * @throws PkiError `ERR_PKI_TRANSCRIPT` with the number of the first entry that is not as it was; `ERR_PKI_CERTIFICATE`, `ERR_PKI_PEM`, `ERR_PKI_DER` for the certificate
 */
export function verifyTranscript(text: string, options: VerifyTranscriptOptions): VerifiedTranscript {
  const { subjectPublicKeyInfo } = parseCertificate(options.certificate)
  const { lines, torn } = readLines(text)
  const last = lines.at(-1)
  if (last === undefined || torn) throw notGenuine('it is cut short')
  if (last.signature === undefined) throw notGenuine('it is not sealed')
  if (last.details['publicKey'] !== toHex(subjectPublicKeyInfo)) throw notGenuine('another key has sealed it')
  if (!isSealedBy(last, subjectPublicKeyInfo)) throw notGenuine('its seal is broken', last.entry)
  return {
    title: String(lines[0]!.details['title']),
    entries: lines.map(({ entry, at, what, details }) => ({ entry, at, what, details })),
    digest: lineDigest(text.trimEnd().split('\n').at(-1)!),
  }
}

/**
 * The lines of a transcript that belong together, and whether the last one is torn, as after a power cut.
 * @throws PkiError `ERR_PKI_TRANSCRIPT`
 */
export function readLines(text: string): { readonly lines: readonly TranscriptLine[]; readonly torn: boolean } {
  const texts = text.split('\n')
  const torn = texts.pop() !== ''
  let previous = ''
  const lines = texts.map((lineText, index) => {
    const line = decodeLine(lineText)
    if (line === undefined || line.entry !== index + 1 || line.previous !== previous) {
      throw notGenuine('an entry was changed, left out or put in', index + 1)
    }
    if (line.signature !== undefined && index < texts.length - 1)
      throw notGenuine('it goes on behind its seal', index + 2)
    previous = lineDigest(lineText)
    return line
  })
  const [first] = lines
  if (first !== undefined && first.details['format'] !== transcriptFormat)
    throw notGenuine('it is of another format', 1)
  return { lines, torn }
}

function isSealedBy(line: TranscriptLine, publicKey: Uint8Array): boolean {
  try {
    const algorithm = parseSignatureAlgorithm(Buffer.from(String(line.details['algorithm']), 'hex'))
    return verifySignature(algorithm, publicKey, sealedText(line), Buffer.from(line.signature!, 'hex'))
  } catch {
    // An algorithm that is none.
    return false
  }
}
