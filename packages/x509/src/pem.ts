import { PkiError } from './pki-error.ts'

/** One block of a PEM text. */
export interface PemBlock {
  /** What stands between `-----BEGIN ` and `-----`. */
  readonly label: string
  /** The octets that the base64 stands for. */
  readonly der: Uint8Array
}

const limitBytes = 1024 * 1024
const begin = '-----BEGIN '
const end = '-----END '
const dashes = '-----'

/**
 * The blocks of a PEM text in order (RFC 7468), those of `label` alone when it is given. Text between blocks is skipped, as RFC 7468 section 2 wants it of parsers;
 * inside a block nothing but base64 lines is accepted: no headers, no blank lines, no stray characters, canonical padding.
 *
 * Up to 1 MiB, one pass.
 *
 * @throws PkiError `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE`
 */
export function decodePem(text: string, label?: string): PemBlock[] {
  if (typeof text !== 'string') throw new TypeError('"text" must be a string')
  if (text.length > limitBytes) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  return readPem(text, label)
}

/** {@link decodePem} of text whose size the caller has bounded. @internal */
export function readPem(text: string, label?: string): PemBlock[] {
  const blocks: PemBlock[] = []
  let open: string | undefined
  let body: string[] = []
  let position = 0
  while (position < text.length) {
    const newline = text.indexOf('\n', position)
    const lineEnd = newline === -1 ? text.length : newline
    // RFC 7468 section 2: "Parsers SHOULD ignore whitespace … and … handle different newline conventions". Only at the end of lines here.
    const line = text.slice(position, lineEnd).trimEnd()
    position = lineEnd + 1
    if (open === undefined) {
      if (!line.startsWith(begin)) continue
      open = labelOf(line, begin)
      body = []
    } else if (line.startsWith(dashes)) {
      if (!line.startsWith(end) || labelOf(line, end) !== open) throw notPem('a block ends with another label')
      if (label === undefined || open === label) blocks.push({ label: open, der: decodeBody(body.join('')) })
      open = undefined
    } else {
      if (line.length === 0) throw notPem('blank line inside a block')
      body.push(line)
    }
  }
  if (open !== undefined) throw notPem('a block has no end')
  return blocks
}

/**
 * The octets of the one block of `label` in `text`. More than one is an error, so that nobody means the second and gets the first.
 *
 * @throws PkiError `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE`
 */
export function decodePemOne(text: string, label: string): Uint8Array {
  const blocks = decodePem(text, label)
  if (blocks.length === 0) throw notPem(`no ${label} block`)
  if (blocks.length > 1) throw notPem(`more than one ${label} block`)
  return blocks[0]!.der
}

/** PEM text of one block: base64 in lines of 64 (RFC 7468 section 2), ended by a newline. */
export function encodePem(label: string, der: Uint8Array): string {
  if (!isLabel(label)) throw new TypeError('"label" must be printable ASCII without hyphens at its ends')
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64')
  let text = `${begin}${label}${dashes}\n`
  for (let index = 0; index < base64.length; index += 64) text += `${base64.slice(index, index + 64)}\n`
  return `${text}${end}${label}${dashes}\n`
}

function labelOf(line: string, prefix: string): string {
  const label = line.slice(prefix.length, -dashes.length)
  if (!line.endsWith(dashes) || line.length <= prefix.length + dashes.length || !isLabel(label)) {
    throw notPem('malformed boundary line')
  }
  return label
}

function isLabel(label: string): boolean {
  if (label.length === 0 || label.length > 64) return false
  if (label.startsWith('-') || label.endsWith('-') || label.startsWith(' ') || label.endsWith(' ')) return false
  for (let index = 0; index < label.length; index++) {
    const code = label.charCodeAt(index)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}

function decodeBody(base64: string): Uint8Array {
  if (base64.length === 0) throw notPem('empty block')
  const octets = Buffer.from(base64, 'base64')
  // node:buffer skips what is not base64. Only the canonical text of the octets comes back unchanged.
  if (octets.toString('base64') !== base64) throw notPem('not canonical base64')
  // A copy: small Buffers share their memory with strangers.
  return new Uint8Array(octets)
}

function notPem(reason: string): PkiError<'ERR_PKI_PEM'> {
  return new PkiError('ERR_PKI_PEM', { reason })
}
