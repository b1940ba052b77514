import { generateKeyPairSync } from 'node:crypto'
import { isPkiError, parseCertificate, softwareSigner } from '@fleetcert/x509'
import { createCertificateTemplate } from '../../authority/certificate-template.ts'
import { checkedNow } from '../../authority/check-clock.ts'
import { type IssueContext, issueCertificate } from '../../authority/issue.ts'
import type { Issuer } from '../../authority/issuer.ts'
import { resolveProfile } from '../../authority/resolve-profile.ts'
import { validityAt } from '../../authority/validity.ts'
import type { FleetWarning } from '../../fleet/fleet-warning.ts'
import type { CertificateId } from '../../store/store.ts'
import type { OcspSigning } from './ocsp-authority.ts'

const day = 86_400
/** "the responder's signing certificate SHOULD be relatively short-lived and renewed regularly" (RFC 9919 section 3.2.2): nobody can ask whether it is revoked. */
const shortestSeconds = 7 * day
/** After a renewal that failed while there is still a certificate, seconds. */
const retrySeconds = 60
/** After two in a row for which the CA's key did not sign: each leaves a reservation on record, and anybody may ask. */
const restMilliseconds = 10_000

/** The certificate and key that sign a CA's OCSP answers in this process. */
export interface OcspDelegate {
  /** The current one; made when there is none, renewed when half of its life is over. Rejects what issuing rejects when there is none left. */
  signing(now: Date): OcspSigning | Promise<OcspSigning>
  /** Stops using it if it is that certificate, which was revoked. Whether it was. */
  drop(id: CertificateId): boolean
}

interface Current {
  readonly id: CertificateId
  readonly signing: OcspSigning
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * A delegate whose key lives in this process's memory alone: nothing to protect on a disk, to share, or to ask an HSM for at every answer. Its certificate is issued like any other, on record before it is signed.
 * Every process that answers has its own, made when it is first needed.
 */
export function createOcspDelegate(
  context: IssueContext,
  issuer: Issuer,
  options: { readonly validitySeconds: number; readonly onWarning: (warning: FleetWarning) => void },
): OcspDelegate {
  const { validitySeconds, onWarning } = options
  const lifeSeconds = Math.max(shortestSeconds, 2 * validitySeconds)
  const profile = resolveProfile('ocspResponder', 'ocspResponder', { validitySeconds: lifeSeconds })
  let current: Current | undefined
  let making: Promise<OcspSigning> | undefined
  let notBeforeRetry = Number.NEGATIVE_INFINITY
  let refusal: { readonly error: unknown; readonly until: number } | undefined

  const make = async (): Promise<OcspSigning> => {
    const now = await checkedNow(context.store, context.clock)
    const caSigner = await issuer.signer()
    // Some ten microseconds: not worth the way to the thread pool.
    const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const { certificate } = issuer
    const validity = validityAt(now, profile, undefined, certificate)
    const { id, der } = await issueCertificate(context, {
      template: createCertificateTemplate(profile, { signatureAlgorithm: caSigner.algorithm, certificate }),
      issuerKeyId: issuer.keyId,
      signer: caSigner,
      subject: [
        ...certificate.subject.filter(rdn => rdn.every(({ type }) => type !== 'CN')),
        [{ type: 'CN', value: `OCSP responder ${context.holder.instance}` }],
      ],
      subjectAltName: [],
      subjectPublicKeyInfo: signer.publicKey,
      validity,
      expect: 'any',
    })
    const { notBefore, notAfter } = parseCertificate(der)
    const signing = { signer, certificate: { der, notAfter } }
    current = { id, signing, notBefore: notBefore.getTime(), notAfter: notAfter.getTime() }
    return signing
  }
  const renew = (): Promise<OcspSigning> => {
    if (refusal !== undefined && performance.now() < refusal.until) return Promise.reject(refusal.error)
    making ??= make()
      .then(
        signing => {
          refusal = undefined
          return signing
        },
        (error: unknown) => {
          if (isPkiError(error, 'ERR_PKI_SIGNER')) {
            const rest = refusal === undefined ? 0 : restMilliseconds
            refusal = { error, until: performance.now() + rest }
          }
          throw error
        },
      )
      .finally(() => {
        making = undefined
      })
    return making
  }

  return {
    signing(now) {
      const time = now.getTime()
      // Outside of its time after the clock has jumped, either way.
      if (current === undefined || time < current.notBefore || time > current.notAfter) return renew()
      if (time > (current.notBefore + current.notAfter) / 2 && time >= notBeforeRetry) {
        notBeforeRetry = time + retrySeconds * 1000
        // Nobody waits for it: the old one is good for as long again.
        const nextUpdate = new Date(current.notAfter)
        renew().catch((error: unknown) => {
          const warning = { issuerKeyId: issuer.keyId, shard: 0, error, nextUpdate, retrySeconds }
          onWarning({ type: 'ocspResponderNotRenewed', ...warning })
        })
      }
      return current.signing
    },
    drop(id) {
      if (current?.id.serialNumber !== id.serialNumber || current.id.issuerKeyId !== id.issuerKeyId) return false
      current = undefined
      return true
    },
  }
}

/** Whether the key of the CA is away, and not only for a moment. */
export function isKeyAway(error: unknown): boolean {
  return isPkiError(error, 'ERR_PKI_KEY_MISSING')
}
