import { decodePemOne, extensionOids, PkiError, parseCertificate, type TbsCertificate } from '@fleetcert/x509'
import { derTag } from '@fleetcert/x509/der'
import type { LintFinding } from '../../../authority/lint/lint-rule.ts'
import { findRaw } from '../raw-extension.ts'
import { findingOf } from '../requirement.ts'
import type { CrlLintContext } from './crl-rule.ts'
import { type CrlEntryView, type CrlView, readCertificateList, readEntry } from './crl-view.ts'
import { distributionPointOf } from './issuing-distribution-point.ts'
import { frameOf, type OctetParts, octetParts } from './octet-parts.ts'
import { crlLintRules } from './rules/index.ts'

/** As `parseCrl`. */
const limitBytes = 64 * 1024 * 1024
/** Octets of entries between two breaths. */
const sliceBytes = 128 * 1024

/** Options of {@link lintCrl}. */
export interface LintCrlOptions {
  /** The certificate of the CRL's issuer, DER or PEM: rules that compare the two are silent without it. */
  readonly issuer?: Uint8Array | string
  /** How many entries the rules look at, evenly spread, the first and the last among them. All by default; the structure is always checked to its end. */
  readonly sampleEntries?: number
}

/**
 * Judges anybody's CRL by the rules of docs/lint.md: DER up to 64 MiB, or PEM up to 1 MiB with one `X509 CRL` block. An empty list: nothing found. Findings of scope `fleetcert` say how it differs from what fleetcert writes, not that it is wrong.
 * Time is linear in the size. Nothing is verified: neither signature nor currency nor whom it is about.
 *
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE` for what is not a CRL; for the issuer also `ERR_PKI_CERTIFICATE`.
 */
export function lintCrl(crl: Uint8Array | string, options: LintCrlOptions = {}): LintFinding[] {
  const { issuer, sampleEntries = Number.POSITIVE_INFINITY } = options
  if (!(sampleEntries >= 1)) throw new RangeError('"sampleEntries" must be at least 1')
  const der = typeof crl === 'string' ? decodePemOne(crl, 'X509 CRL') : crl
  if (!(der instanceof Uint8Array)) throw new TypeError('"crl" must be a Uint8Array (DER) or a string (PEM)')
  if (der.length > limitBytes) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  const octets = octetParts([der])
  const steps = lintInSlices(octets, readCertificateList(octets), {
    sampleEntries,
    ...(issuer === undefined ? {} : { issuer: parseCertificate(issuer) }),
  })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** What the rules find, in the order of the rules. Yields after each slice of entries, so that nobody has to wait for all of them. @internal */
export function* lintInSlices(
  octets: OctetParts,
  crl: CrlView,
  { issuer, sampleEntries }: { readonly issuer?: TbsCertificate; readonly sampleEntries: number },
): Generator<void, LintFinding[]> {
  const context: CrlLintContext = {
    isDelta: findRaw(crl.extensions ?? [], extensionOids.deltaCrlIndicator) !== undefined,
    isIndirect: distributionPointOf(crl)?.indirectCrl === true,
    ...(issuer === undefined ? {} : { issuer }),
  }
  const messages = crlLintRules.map(rule => rule.check?.(crl, context))
  const judges = crlLintRules.flatMap((rule, index) => {
    const judge = rule.entries?.(crl, context)
    return judge === undefined ? [] : [{ index, judge }]
  })
  for (const entry of sampledEntries(octets, crl, sampleEntries)) {
    if (entry === undefined) {
      yield
      continue
    }
    for (const { index, judge } of judges) {
      if (messages[index] !== undefined) continue
      const message = judge(entry)
      if (message !== undefined) messages[index] = `entry ${entry.position}: ${message}`
    }
  }
  return crlLintRules.flatMap((rule, index) => {
    const message = messages[index]
    return message === undefined ? [] : [findingOf(rule, message)]
  })
}

/** Walks over the frames of all entries and reads those of the sample; `undefined` after each slice. */
function* sampledEntries(
  octets: OctetParts,
  { revokedCertificates: list }: CrlView,
  sampleEntries: number,
): Generator<CrlEntryView | undefined> {
  if (list === undefined) return
  const stride = (list.end - list.content) / sampleEntries
  let position = 0
  let sampleAt = list.content
  let breatheAt = list.content + sliceBytes
  for (let at = list.content; at < list.end; ) {
    const start = at
    at = frameOf(derTag.sequence, octets, start, list.end).end
    position++
    if (start >= sampleAt || at === list.end) {
      sampleAt += stride
      yield readEntry(octets.slice(start, at), position)
    }
    if (at >= breatheAt) {
      breatheAt = at + sliceBytes
      yield undefined
    }
  }
}
