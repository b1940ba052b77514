import {
  type CertificateId,
  type DeviceCredential,
  decodePem,
  type Fleet,
  parseCertificate,
  parseCrl,
  parseOcspResponse,
  type ServerCredential,
  type Store,
  verifyOcspResponse,
} from '@fleetcert/core'
import { type AnsweredRevocation, answeredCrl, idKey, type Observations } from './observations.ts'

/**
 * A fleet that notes whatever its callers get, and judges on the spot what cannot be judged later: that a certificate is recorded at the moment it is returned, that a CRL lists
 * what was answered as revoked before it was asked for, and that nobody is let in who was revoked before. `store` is the real one, without faults.
 */
export function observeFleet(fleet: Fleet, store: Store, observations: Observations): Fleet {
  const { violations } = observations

  const returned = async <T extends Omit<DeviceCredential, 'deviceId'> | ServerCredential>(
    credential: T,
    deviceId?: string,
    isRepeatable = false,
  ): Promise<T> => {
    const [block] = decodePem(credential.certificate)
    const der = block!.der
    const id: CertificateId = { issuerKeyId: credential.issuerKeyId, serialNumber: credential.serialNumber }
    observations.returned.push({
      id,
      der,
      ...(deviceId === undefined ? {} : { deviceId }),
      ...(isRepeatable && { isRepeatable }),
    })
    const record = await store.certificate(id)
    if (record?.der === undefined || Buffer.compare(record.der, der) !== 0) {
      violations.push(`${id.serialNumber} was returned and is not recorded`)
    }
    return credential
  }

  /** What this process knows of at once: what was answered before it began, and by itself. */
  const knownHere = new Set(observations.revocations)
  const answered = (answer: AnsweredRevocation): void => {
    const revocation = { ...answer, answeredAt: performance.now() }
    observations.revocations.push(revocation)
    knownHere.add(revocation)
  }
  /** What was answered as revoked so far, and stays so. */
  const revokedBefore = (revocations: Iterable<AnsweredRevocation> = observations.revocations): ReadonlySet<string> => {
    const lasting = [...revocations].filter(({ reason }) => reason !== 'certificateHold' || observations.releases === 0)
    return new Set(lasting.flatMap(({ certificates }) => certificates.map(idKey)))
  }
  /** Of what was revoked before, and is so yet: a hold may have been lifted meanwhile. */
  const stillRevoked = (before: ReadonlySet<string>): ReadonlySet<string> => {
    const now = revokedBefore()
    return new Set([...before].filter(key => now.has(key)))
  }

  const changes: Partial<Fleet> = {
    async enroll(deviceId, request, options) {
      observations.deviceIds.add(deviceId)
      const token = observations.tokens.find(known => known.token === request?.token)
      if (token !== undefined && request?.csr !== undefined) token.csr = request.csr
      return returned(await fleet.enroll(deviceId, request, options), deviceId, token !== undefined)
    },
    async renew(deviceId, request, options) {
      observations.deviceIds.add(deviceId)
      const fingerprint = request?.presented
      if (fingerprint === undefined) {
        observations.operatorRenewals.push(deviceId)
        observations.confirmed.add(deviceId)
      } else {
        // Whoever renews with the newer one confirms it.
        if (observations.presented.some(known => known.deviceId === deviceId && known.fingerprint !== fingerprint)) {
          observations.confirmed.add(deviceId)
        }
        observations.presented.push({ deviceId, fingerprint })
      }
      return returned(await fleet.renew(deviceId, request, options), deviceId, fingerprint !== undefined)
    },
    async confirm(deviceId, request, options) {
      observations.confirmed.add(deviceId)
      return fleet.confirm(deviceId, request, options)
    },
    async createToken(request, options) {
      observations.deviceIds.add(request.deviceId)
      const answer = await fleet.createToken(request, options)
      observations.tokens.push({ deviceId: answer.deviceId, token: answer.token })
      return answer
    },
    async issueServer(request, options) {
      return returned(await fleet.issueServer(request, options))
    },
    async revoke(target, request, options) {
      if (typeof target === 'string') observations.closed.add(target)
      const result = await fleet.revoke(target, request, options)
      const { certificates, revocationDate, reason } = result
      answered({
        ...(typeof target === 'string' ? { deviceId: target } : {}),
        certificates,
        revocationDate,
        reason,
      })
      return result
    },
    async revokeAll(query, request = {}, options = {}) {
      const { reason = 'unspecified' } = request
      for (const deviceId of 'deviceIds' in query ? query.deviceIds : observations.deviceIds) {
        observations.closed.add(deviceId)
      }
      return fleet.revokeAll(query, request, {
        ...options,
        async onPage(page) {
          // Pages have dates of their own: nobody is told of them.
          answered({ certificates: page.certificates, reason })
          await options.onPage?.(page)
        },
      })
    },
    async release(target, options) {
      observations.releases += 1
      return fleet.release(target, options)
    },
    async crl(request, options) {
      const revoked = revokedBefore()
      const before = [...observations.crls]
      const crl = await fleet.crl(request, options)
      const answered = answeredCrl(crl)
      observations.crls.push(answered)
      for (const { scope, crlNumber } of before) {
        if (scope === answered.scope && crlNumber > crl.crlNumber) {
          violations.push(`CRL ${crl.crlNumber} was returned to one who asked after CRL ${crlNumber} had been returned`)
        }
      }
      // What it does not show, it says that it may not; what a delta CRL does not list has not changed.
      if (!crl.upToDate || crl.delta) return crl
      const listed = new Set(parseCrl(crl.der).entries.map(({ serialNumber }) => `${crl.issuerKeyId}.${serialNumber}`))
      for (const key of stillRevoked(revoked)) {
        if (!key.startsWith(`${crl.issuerKeyId}.`) || listed.has(key)) continue
        const record = await store.certificate({ issuerKeyId: crl.issuerKeyId, serialNumber: key.split('.')[1]! })
        if (record?.shard === crl.shard && record.notAfter >= crl.thisUpdate) {
          violations.push(`CRL ${crl.crlNumber} was asked for after the revocation of ${key}, and does not list it`)
        }
      }
      return crl
    },
    async ocsp(request, options) {
      // Another process's revocation may be heard of half a second later.
      const revoked = revokedBefore(knownHere)
      const answer = await fleet.ocsp(request, options)
      const response = parseOcspResponse(answer.der)
      if (answer.responseStatus !== 'successful' || response.status !== 'successful') return answer
      const still = stillRevoked(revoked)
      const responder = parseCertificate(response.certificates[0]!)
      for await (const { issuerKeyId, certificate } of fleet.issuers()) {
        const issuer = parseCertificate(certificate)
        if (Buffer.compare(issuer.subjectDer, responder.issuerDer) !== 0) continue
        const record = await store.certificate({ issuerKeyId, serialNumber: responder.serialNumber })
        if (record?.der === undefined || Buffer.compare(record.der, responder.der) !== 0) {
          violations.push(`${responder.serialNumber} has signed an OCSP answer and is not recorded`)
        }
        for (const { certId } of response.responses) {
          const { serialNumber } = certId
          const { certStatus } = verifyOcspResponse(response, { issuer, serialNumber, at: answer.thisUpdate })
          if (certStatus !== 'good') continue
          if (still.has(idKey({ issuerKeyId, serialNumber }))) {
            violations.push(`${serialNumber} was good to OCSP after its revocation was answered`)
          }
          if ((await store.certificate({ issuerKeyId, serialNumber }))?.state !== 'issued') {
            violations.push(`${serialNumber} was good to OCSP and was never issued`)
          }
        }
      }
      return answer
    },
    async identify(evidence, options) {
      // Another process's revocation is heard of within a second.
      const latest = performance.now() - 1000
      const revoked = revokedBefore(
        observations.revocations.filter(
          revocation => knownHere.has(revocation) || (revocation.answeredAt ?? Number.POSITIVE_INFINITY) <= latest,
        ),
      )
      const identification = await fleet.identify(evidence, options)
      if (identification.status === 'active' && stillRevoked(revoked).has(idKey(identification.certificate.id))) {
        violations.push(`${identification.certificate.id.serialNumber} was let in after its revocation was answered`)
      }
      return identification
    },
  }
  return Object.assign(Object.create(fleet) as Fleet, changes)
}
