import { type Certificate, type IoOptions, parseCertificate, toHex } from '@fleetcert/x509'
import type { CertificateRecord, Store } from '../store/store.ts'
import { hotIssuerProfile, hotSerialNumber } from './hot-issuer-certificate.ts'
import type { FleetIssuers } from './issuers/fleet-issuers.ts'

/** Whose key signed a certificate, where that was not the first key of its CA. */
export interface HotIssuerFinder {
  /** `undefined`: the CA's first key did. Any process's hot issuers are found, long after their keys are gone. */
  find(record: CertificateRecord, options?: IoOptions): Promise<Certificate | undefined>
}

const mostKept = 256

export function createHotIssuerFinder(store: Pick<Store, 'certificate'>, issuers: FleetIssuers): HotIssuerFinder {
  // By the hex of their key identifier.
  const kept = new Map<string, Certificate>()
  return {
    async find({ id, der, state }, options) {
      if (state !== 'issued' || der === undefined) return undefined
      const ca = issuers.current.find(id.issuerKeyId)?.issuer.certificate
      const { authorityKeyIdentifier } = parseCertificate(der)
      if (authorityKeyIdentifier === undefined || ca?.subjectKeyIdentifier === undefined) return undefined
      if (Buffer.compare(authorityKeyIdentifier, ca.subjectKeyIdentifier) === 0) return undefined
      const name = toHex(authorityKeyIdentifier)
      const known = kept.get(name)
      if (known !== undefined) return known
      const serialNumber = toHex(hotSerialNumber(authorityKeyIdentifier, 'issuer'))
      const found = await store.certificate({ issuerKeyId: id.issuerKeyId, serialNumber }, options)
      if (found?.der === undefined || found.profile !== hotIssuerProfile) return undefined
      const certificate = parseCertificate(found.der)
      const [oldest] = kept.keys()
      if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest)
      kept.set(name, certificate)
      return certificate
    },
  }
}
