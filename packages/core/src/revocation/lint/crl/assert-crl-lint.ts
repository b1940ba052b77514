import { type IoOptions, isPkiError, PkiError, type TbsCertificate } from '@fleetcert/x509'
import type { LintFinding } from '../../../authority/lint/lint-rule.ts'
import { readTbsCertList } from './crl-view.ts'
import { lintInSlices } from './lint-crl.ts'
import { octetParts } from './octet-parts.ts'

/** Entries come from one encoder: what is wrong with one is wrong with many. */
const sampleEntries = 1000

/**
 * Lints the final octets of a TBSCertList, in as many parts as they lie, before they are signed: every frame to the end, the rules on the list and on a thousand entries. Every finding refuses, warnings too.
 * Gives the event loop air between slices; do not write to the parts meanwhile.
 *
 * @param issuer the certificate whose key will sign
 * @param options `isAboutAll`: of a CA that is its own root and has issued end entities, which no issuingDistributionPoint can say
 * @throws PkiError `ERR_PKI_LINT`
 */
export async function assertCrlLint(
  tbsCertList: readonly Uint8Array[],
  issuer: TbsCertificate,
  { signal, isAboutAll = false }: IoOptions & { readonly isAboutAll?: boolean } = {},
): Promise<void> {
  let findings: readonly LintFinding[]
  try {
    const octets = octetParts(tbsCertList)
    const steps = lintInSlices(octets, readTbsCertList(octets), { issuer, sampleEntries })
    for (;;) {
      const step = steps.next()
      if (step.done === true) {
        findings = step.value
        break
      }
      await new Promise(resolve => setImmediate(resolve))
      signal?.throwIfAborted()
    }
  } catch (error) {
    if (!isPkiError(error)) throw error
    throw new PkiError('ERR_PKI_LINT', { findings: ['der: the TBSCertList cannot be decoded'] }, { cause: error })
  }
  const refusals = findings.filter(({ rule }) => !isAboutAll || rule !== 'crl-issuing-distribution-point')
  if (refusals.length > 0) {
    throw new PkiError('ERR_PKI_LINT', { findings: refusals.map(({ rule, message }) => `${rule}: ${message}`) })
  }
}
