import {
  type Certificate,
  type IoOptions,
  keyIdentifierOf,
  type OcspCertId,
  parseCertificate,
  toHex,
} from '@fleetcert/x509'
import { certIdIssuersOf, type OcspAuthority, type OcspSigning } from '../revocation/ocsp/ocsp-authority.ts'
import type { Keyring } from '../signer/signer.ts'
import type { CertificateId, Store } from '../store/store.ts'
import { hotSerialNumber, ocspKey } from './hot-issuer-certificate.ts'
import { createHotIssuerFinder } from './hot-issuer-finder.ts'
import type { FleetIssuers } from './issuers/fleet-issuers.ts'

/** OCSP about what hot issuers have signed: to a client each of them is an issuer of its own, named by the hash of its key. */
export interface HotIssuerOcsp {
  /** The hot issuer that a request names, found by the certificate that is asked about: there are too many to know them all. */
  resolve(certId: OcspCertId, options?: IoOptions): Promise<OcspAuthority | undefined>
  /** Those that may have spoken of a certificate: what they said of it is not to be given out again. */
  of(issuerKeyId: string): Iterable<OcspAuthority>
  /** Whether that certificate, which was revoked, was a responder's here: it is not used any more. */
  drop(id: CertificateId): boolean
  /** Forgets them all. */
  clear(): void
}

export interface HotIssuerOcspParts {
  readonly store: Store
  readonly issuers: FleetIssuers
  readonly keyring: Keyring | undefined
  /** The status of a certificate on record. */
  readonly status: (id: CertificateId, options?: IoOptions) => ReturnType<OcspAuthority['status']>
  /** Told when one is forgotten for want of room. */
  readonly onForgotten: () => void
}

interface HotAuthority extends OcspAuthority {
  readonly issuerKeyId: string
  /** Of its responder's certificate. */
  readonly responderSerial: string
  readonly names: readonly Uint8Array[]
  forgetSigning(): void
}

const mostKept = 256

export function createHotIssuerOcsp(parts: HotIssuerOcspParts): HotIssuerOcsp {
  const { store, issuers, keyring } = parts
  const finder = createHotIssuerFinder(store, issuers)
  // By the hex of their key identifier.
  const known = new Map<string, HotAuthority>()

  const makeSigning = async (id: CertificateId): Promise<OcspSigning | undefined> => {
    if (keyring === undefined) return undefined
    const record = await store.certificate(id)
    if (record?.der === undefined || record.revocation !== undefined) return undefined
    const { der, notAfter, subjectPublicKeyInfo } = parseCertificate(record.der)
    const signer = await ocspKey(keyring)
    // Another keyring than the one it was made for.
    if (Buffer.compare(signer.publicKey, subjectPublicKeyInfo) !== 0) return undefined
    return { signer, certificate: { der, notAfter } }
  }

  const authorityOf = (certificate: Certificate, issuerKeyId: string): HotAuthority => {
    const keyIdentifier = keyIdentifierOf(certificate.subjectPublicKeyInfo)
    const name = toHex(keyIdentifier)
    const found = known.get(name)
    if (found !== undefined) return found
    const responderSerial = toHex(hotSerialNumber(keyIdentifier, 'ocspResponder'))
    let signing: Promise<OcspSigning | undefined> | undefined
    const authority: HotAuthority = {
      issuer: certificate,
      issuerKeyId,
      responderSerial,
      names: certIdIssuersOf(certificate),
      async signing() {
        signing ??= makeSigning({ issuerKeyId, serialNumber: responderSerial })
        try {
          return await signing
        } catch (error) {
          signing = undefined
          throw error
        }
      },
      status: (serialNumber, options) => parts.status({ issuerKeyId, serialNumber }, options),
      forgetSigning() {
        signing = undefined
      },
    }
    const [oldest] = known.keys()
    if (known.size >= mostKept && oldest !== undefined) {
      known.delete(oldest)
      parts.onForgotten()
    }
    known.set(name, authority)
    return authority
  }

  return {
    async resolve({ issuer, serialNumber }, options) {
      // Nothing here has a negative number.
      if (serialNumber.startsWith('-')) return undefined
      for (const { role, issuer: ca } of issuers.current.authorities) {
        if (role !== 'issuingCa') continue
        const record = await store.certificate({ issuerKeyId: ca.keyId, serialNumber }, options)
        const certificate = record === undefined ? undefined : await finder.find(record, options)
        if (certificate === undefined) continue
        const authority = authorityOf(certificate, ca.keyId)
        // The serial number alone says nothing of whom the client means.
        if (authority.names.some(name => Buffer.compare(name, issuer) === 0)) return authority
      }
      return undefined
    },
    *of(issuerKeyId) {
      for (const authority of known.values()) if (authority.issuerKeyId === issuerKeyId) yield authority
    },
    drop({ issuerKeyId, serialNumber }) {
      for (const authority of this.of(issuerKeyId) as Iterable<HotAuthority>) {
        if (authority.responderSerial !== serialNumber) continue
        authority.forgetSigning()
        return true
      }
      return false
    },
    clear() {
      known.clear()
    },
  }
}
