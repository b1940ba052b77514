import {
  basicConstraints,
  checkNames,
  createCertificationRequest,
  encodePem,
  type IoOptions,
  isPkiError,
  keyId,
  keyUsage,
  PkiError,
} from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import { resolveProfile } from '../../authority/resolve-profile.ts'
import type { Signer } from '../../signer/signer.ts'
import type { FleetParts } from '../create-fleet.ts'
import { authorityName } from './authority-name.ts'
import type { AuthorityRecord } from './authority-record.ts'
import { foreignRecords, keptCertificate, provenChain, readChain, refused } from './foreign-chain.ts'
import type { IssuerOperations } from './issuer-operations.ts'
import { isAwaiting, type Rollover } from './rollover.ts'
import { changed } from './rollover-plan.ts'
import { isSameName } from './same-name.ts'

/** The part of a fleet whose issuing CA another's root signs. */
export function createIssuerImport(
  { store, clock, issuers, profiles }: FleetParts,
  { alone }: Pick<Rollover, 'alone'>,
): Pick<IssuerOperations, 'issuerRequest' | 'importIssuer'> {
  const signerOf = async (record: AuthorityRecord): Promise<Signer> => {
    const signer = await issuers.openKey(record)
    if (signer === undefined) throw new PkiError('ERR_PKI_KEY_MISSING', { name: record.keyName ?? '' })
    return signer
  }

  return {
    async issuerRequest(options) {
      const { document } = await issuers.fresh(options)
      const record = document.authorities.find(isAwaiting)
      if (record === undefined) throw new PkiError('ERR_PKI_ROLLOVER', { reason: 'no CA waits for an external root' })
      const signer = await signerOf(record)
      const profile = resolveProfile('issuingCa', 'issuingCa')
      const request = {
        subject: authorityName(document.organization, 'Issuing CA', record.generation),
        signer,
        // For CAs that copy what is asked for; others write what they think right, and it is checked when it comes back.
        extensions: [basicConstraints(profile.basicConstraints!), keyUsage(profile.keyUsage)],
      }
      const csr = await createCertificationRequest(request, options).catch((cause: unknown) => {
        options?.signal?.throwIfAborted()
        if (isPkiError(cause)) throw cause
        throw new PkiError('ERR_PKI_SIGNER', { reason: 'the signer failed' }, { cause })
      })
      return { csr: encodePem('CERTIFICATE REQUEST', csr), issuerKeyId: keyId(signer.publicKey) }
    },

    async importIssuer(input, request, options?: IoOptions) {
      checkNames('importIssuer', request, { chain: true })
      const given = readChain(input, request.chain)
      const now = await checkedNow(store, clock, options)
      await alone(async lease => {
        const set = await issuers.read(options)
        const { certificate } = given
        const known = set.find(keyId(certificate.subjectPublicKeyInfo))
        if (known !== undefined && known.record.own.certificate === Buffer.from(certificate.der).toString('base64'))
          return
        const waiting = set.document.authorities.find(isAwaiting)
        if (waiting === undefined)
          throw new PkiError('ERR_PKI_ROLLOVER', { reason: 'no CA waits for an external root' })
        const { publicKey } = await signerOf(waiting)
        if (Buffer.compare(publicKey, certificate.subjectPublicKeyInfo) !== 0) {
          throw refused('it is for another key than the one that was requested')
        }
        const path = await provenChain(given, profiles.device('device'), now)
        if (path.slice(1).some(({ subject }) => isSameName(subject, certificate.subject))) {
          throw refused('it has the name of a CA above it')
        }
        const since = now.toISOString()
        await issuers.change(
          current => {
            const isFirst = current.issuing === undefined
            const state = isFirst ? 'active' : 'announced'
            const { records, added, hasNewRoot } = foreignRecords(current, path, state, since)
            const own = keptCertificate(certificate, path[1]!)
            const authorities = records.map(record =>
              isAwaiting(record) && record.keyName === waiting.keyName ? { ...record, state, since, own } : record,
            )
            const { rollover } = current.document
            const scope = hasNewRoot ? 'root' : 'issuingCa'
            const document = {
              ...current.document,
              // Those above it first, as in a fleet that made its own.
              authorities: [...added, ...authorities] as readonly AuthorityRecord[],
              ...(rollover?.phase === 'announcing' && {
                rollover: { ...rollover, scope, phase: 'announced', since } as const,
              }),
            }
            return changed(document, now)
          },
          { ...options, lease },
        )
      })
    },
  }
}
