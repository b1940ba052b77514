import { readPem } from './pem.ts'
import { PkiError } from './pki-error.ts'

/**
 * The DER of what a user handed over: octets as they are, or PEM text with exactly one block of one of `labels`. Octets are views of the caller's.
 *
 * @throws PkiError `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`
 * @internal
 */
export function derOf(
  input: Uint8Array | string,
  { labels, limitBytes }: { readonly labels: readonly string[]; readonly limitBytes: number },
): Uint8Array {
  let der: Uint8Array
  if (typeof input === 'string') {
    // Base64 takes 4/3; the rest is room for boundary lines and text around the block.
    if (input.length > 2 * limitBytes) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
    const blocks = readPem(input).filter(block => labels.includes(block.label))
    if (blocks.length !== 1) {
      const reason = `${blocks.length === 0 ? 'no' : 'more than one'} ${labels[0]} block`
      throw new PkiError('ERR_PKI_PEM', { reason })
    }
    der = blocks[0]!.der
  } else if (input instanceof Uint8Array) {
    // Mostly somebody who read a file without saying that it is text.
    if (startsLikePem(input)) {
      throw new PkiError('ERR_PKI_DER', { offset: 0, reason: 'PEM in octets: hand it over as a string' })
    }
    der = input
  } else {
    throw new TypeError('"input" must be a Uint8Array (DER) or a string (PEM)')
  }
  if (der.length > limitBytes) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  return der
}

/** `-----BEGIN`; no DER that is read here begins like that. */
function startsLikePem(octets: Uint8Array): boolean {
  return octets.length > 10 && octets[0] === 0x2d && octets[1] === 0x2d && octets[4] === 0x2d && octets[5] === 0x42
}
