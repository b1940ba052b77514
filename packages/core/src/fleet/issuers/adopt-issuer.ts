import { createHash } from 'node:crypto'
import {
  attributeValues,
  type Certificate,
  certificateFingerprint,
  checkNames,
  decodePem,
  extendedKeyUsageOids,
  type IoOptions,
  isPkiError,
  type KnownNames,
  keyId,
  parseCertificate,
  signatureVerifier,
} from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import { checkKeyPolicy } from '../../authority/key-policy.ts'
import type { FleetEventInput, PinnedCertificate } from '../../store/store.ts'
import type { FleetParts } from '../create-fleet.ts'
import { checkAttributes, checkIdentifier, isDeviceId } from '../identifier.ts'
import { adoptedKey } from './adopted-key.ts'
import type { AdoptedAs, Adoption, AdoptionRefusal, AdoptionRequest } from './adoption.ts'
import type { AuthorityRecord } from './authority-record.ts'
import { foreignRecords, isSelfIssued, keptCertificate, provenChain, readChain, refused } from './foreign-chain.ts'
import type { IssuerOperations } from './issuer-operations.ts'
import { isTrusted } from './issuer-set.ts'
import type { Rollover } from './rollover.ts'
import { changed } from './rollover-plan.ts'

/** So many are recorded at a time: they share what makes a store's writes durable. */
const atATime = 32

const requestNames: KnownNames<AdoptionRequest> = {
  certificate: true,
  chain: true,
  key: true,
  certificates: true,
  assign: true,
}

/** Makes `fleet.adoptIssuer`. */
export function createAdoption(parts: FleetParts, { alone }: Pick<Rollover, 'alone'>): IssuerOperations['adoptIssuer'] {
  const { store, clock, issuers, profiles, authorityOptions } = parts

  const takeCa = async (request: AdoptionRequest, now: Date, options?: IoOptions): Promise<Certificate> => {
    const given = readChain(request.certificate, request.chain ?? '')
    const { certificate } = given
    const issuerKeyId = keyId(certificate.subjectPublicKeyInfo)
    checkKeyPolicy(certificate.publicKey)
    const path = isSelfIssued(certificate)
      ? [checkedRoot(certificate, now), certificate]
      : await provenChain(given, profiles.device('device'), now)
    const known = (await issuers.read(options)).find(issuerKeyId)
    if (known !== undefined && known.role !== 'adoptedCa') throw refused('it is a CA of this fleet already')
    // What it has issued would be taken over, and let in nowhere.
    if (known !== undefined && !isTrusted(known)) throw refused(`it is ${known.state} here`)
    const { keyName } = await adoptedKey(authorityOptions.keyrings.issuing, certificate, request.key)
    await alone(lease =>
      issuers.change(
        set => {
          if (set.find(issuerKeyId) !== undefined) return undefined
          const since = now.toISOString()
          const own = keptCertificate(certificate, path[1]!)
          const adopted: AuthorityRecord = {
            role: 'adoptedCa',
            state: 'retiring',
            since,
            keyring: 'issuing',
            keyName,
            own,
          }
          const { records, added } = isSelfIssued(certificate)
            ? { records: set.document.authorities, added: [] }
            : foreignRecords(set, path, 'retiring', since)
          const authorities = [...records, ...added, adopted]
          return changed({ ...set.document, authorities }, now, { adopted: issuerKeyId })
        },
        { ...options, lease },
      ),
    )
    return certificate
  }

  return async (request, options) => {
    checkNames('adoptIssuer', request, requestNames)
    const now = await checkedNow(store, clock, options)
    const ca = await takeCa(request, now, options)
    const issuerKeyId = keyId(ca.subjectPublicKeyInfo)
    const verify = signatureVerifier(ca.subjectPublicKeyInfo)
    const count = { adopted: 0, known: 0, expired: 0 }
    const refusals: { readonly index: number; readonly reason: AdoptionRefusal }[] = []

    const batched = new Set<string>()
    const take = async (der: Uint8Array | undefined): Promise<keyof typeof count | AdoptionRefusal> => {
      const certificate = der === undefined ? undefined : readOrNothing(der)
      // Stores take no negative serial numbers, and CRLs could not list them.
      if (certificate === undefined || certificate.serialNumber.startsWith('-')) return 'unreadable'
      const { signatureAlgorithm, tbsCertificate, signature } = certificate
      const isIts =
        Buffer.compare(certificate.issuerDer, ca.subjectDer) === 0 &&
        signatureAlgorithm !== undefined &&
        verify(signatureAlgorithm, tbsCertificate, signature)
      if (!isIts) return 'foreignIssuer'
      if (certificate.basicConstraints?.cA === true) return 'ca'
      if (now.getTime() >= certificate.notAfter.getTime() + 1000) return 'expired'
      const whose = (request.assign ?? assignByName)(certificate)
      if (whose === undefined) return 'unassigned'
      if (!isCertifiable(certificate)) return 'key'
      const fingerprint = certificateFingerprint(certificate.der)
      // Given twice, it would be found by neither look.
      if (batched.has(fingerprint)) return 'known'
      batched.add(fingerprint)
      const known = await store.certificate({ fingerprint: fingerprintOf(certificate) }, options)
      if (known !== undefined) return 'known'
      const pinned = toPinned(certificate, issuerKeyId, whose, now)
      const event: FleetEventInput = {
        type: 'registered',
        at: now,
        ...(pinned.deviceId === undefined ? {} : { deviceId: pinned.deviceId }),
        certificate: pinned.id,
        fingerprint,
        details: { adopted: true },
      }
      const result = await store.register(pinned, [event], options)
      if (result === 'registered') return 'adopted'
      return result === 'keyBlocked' ? 'key' : 'serialTaken'
    }

    let index = 0
    let batch: { readonly index: number; readonly der: Uint8Array | undefined }[] = []
    const work = async (): Promise<void> => {
      options?.signal?.throwIfAborted()
      const results = await Promise.all(batch.map(async ({ der }) => take(der)))
      for (const [place, result] of results.entries()) {
        if (result === 'adopted' || result === 'known' || result === 'expired') count[result] += 1
        else refusals.push({ index: batch[place]!.index, reason: result })
      }
      batch = []
      batched.clear()
    }
    for await (const input of request.certificates ?? []) {
      for (const der of octetsOf(input)) {
        batch.push({ index, der })
        if (batch.length >= atATime) await work()
      }
      index += 1
    }
    await work()
    return { issuerKeyId, ...count, refused: refusals } satisfies Adoption
  }
}

/** @throws PkiError `ERR_PKI_ISSUER_CERTIFICATE` */
function checkedRoot(certificate: Certificate, now: Date): Certificate {
  const { basicConstraints, keyUsage, signatureAlgorithm, tbsCertificate, signature, subjectPublicKeyInfo } =
    certificate
  if (basicConstraints?.cA !== true) throw refused('it is no CA')
  if (keyUsage?.includes('keyCertSign') === false) throw refused('its keyUsage lacks keyCertSign')
  // RFC 5280 section 6.3.3 (f): without cRLSign its CRLs count for nothing.
  if (keyUsage?.includes('cRLSign') === false) throw refused('its keyUsage lacks cRLSign')
  if (now.getTime() >= certificate.notAfter.getTime() + 1000) throw refused('it has expired')
  const isSigned =
    signatureAlgorithm !== undefined &&
    signatureVerifier(subjectPublicKeyInfo)(signatureAlgorithm, tbsCertificate, signature)
  if (!isSigned) throw refused('it is neither self-signed nor has a chain')
  return certificate
}

function* octetsOf(input: string | Uint8Array): Generator<Uint8Array | undefined> {
  if (input instanceof Uint8Array) return yield new Uint8Array(input)
  if (typeof input !== 'string') throw new TypeError('certificates: expected PEM or DER')
  let found = false
  try {
    for (const { label, der } of decodePem(input)) {
      if (label !== 'CERTIFICATE') continue
      found = true
      yield der
    }
  } catch (error) {
    if (!isPkiError(error)) throw error
  }
  if (!found) yield undefined
}

function readOrNothing(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der)
  } catch (error) {
    if (!isPkiError(error)) throw error
    return undefined
  }
}

function assignByName({ subject, extendedKeyUsage }: Certificate): AdoptedAs | undefined {
  const { serverAuth, clientAuth } = extendedKeyUsageOids
  if (extendedKeyUsage?.includes(serverAuth) === true && !extendedKeyUsage.includes(clientAuth))
    return { role: 'server' }
  const names = attributeValues(subject, 'CN')
  const [deviceId] = names
  return names.length === 1 && isDeviceId(deviceId) ? { deviceId } : undefined
}

function isCertifiable({ publicKey }: Certificate): boolean {
  try {
    checkKeyPolicy(publicKey)
    return true
  } catch (error) {
    if (!isPkiError(error, 'ERR_PKI_KEY_POLICY')) throw error
    return false
  }
}

function toPinned(certificate: Certificate, issuerKeyId: string, whose: AdoptedAs, createdAt: Date): PinnedCertificate {
  const { der, serialNumber, subjectPublicKeyInfo, notBefore, notAfter } = certificate
  const common = {
    id: { issuerKeyId, serialNumber },
    profile: 'adopted',
    publicKeyHash: createHash('sha256').update(subjectPublicKeyInfo).digest(),
    notBefore,
    notAfter,
    shard: 0,
    createdAt,
    der,
    fingerprint: fingerprintOf(certificate),
  }
  if (whose.role === 'server') return { ...common, role: 'server' }
  const { role = 'device', deviceId, owner, attributes } = whose
  if (role !== 'device' && role !== 'service')
    throw new TypeError("assign: role: expected 'device', 'service' or 'server'")
  return {
    ...common,
    role,
    deviceId: checkIdentifier(deviceId, 'deviceId'),
    ...(owner !== undefined && { owner: checkIdentifier(owner, 'owner') }),
    ...(attributes !== undefined && { attributes: checkAttributes(attributes) }),
  }
}

function fingerprintOf({ der }: Certificate): Uint8Array {
  return createHash('sha256').update(der).digest()
}
