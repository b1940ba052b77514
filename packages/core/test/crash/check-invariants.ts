import { type CertificateRecord, type Fleet, isPkiError, parseCrl, type SignedCrl, type Store } from '@fleetcert/core'
import {
  decodePemOne,
  encodeCertificate,
  endlessNotAfter,
  parseCertificate,
  type SignatureVerifier,
  signatureVerifier,
} from '@fleetcert/x509'
import { checkRecords } from './check-records.ts'
import { isKnown } from './known-defects.ts'
import { answeredCrl, idKey, type Listed, type Observations } from './observations.ts'
import { certificateIdOf, type Records, readRecords } from './read-records.ts'

/** How many issued certificates are put before `identify`: those that are not issued are put before it all. */
const identifiedCertificates = 50

/**
 * What must hold of a fleet at any moment between two operations, whoever has died before. `store` is read beside the fleet, without faults. Remembers what it saw: call it again after the next
 * incident with the same observations. Asks the fleet for its CRLs, so new ones may be made. Throws one error that names every breach.
 */
export async function checkInvariants(fleet: Fleet, store: Store, observations: Observations): Promise<Records> {
  const violations: string[] = []
  const report = (violation: string): void => void violations.push(violation)
  const records = await readRecords(store, observations)
  checkRecords(records, observations, report)
  await checkPending(fleet, records, report)
  await checkIdentify(fleet, records, observations, report)
  // Last: publishing adds to the ledger.
  await checkCrls(fleet, records, observations, report)
  throwViolations([...observations.violations, ...violations])
  return records
}

/** The part of {@link checkInvariants} that needs no living fleet: right after a death. */
export async function checkStore(store: Store, observations: Observations): Promise<Records> {
  const violations: string[] = []
  const records = await readRecords(store, observations)
  checkRecords(records, observations, violation => void violations.push(violation))
  throwViolations([...observations.violations, ...violations])
  return records
}

function throwViolations(found: readonly string[]): void {
  const violations = found.filter(violation => !isKnown(violation))
  if (violations.length === 0) return
  const shown = violations.slice(0, 20)
  throw new Error(
    `${violations.length} invariants do not hold:\n${shown.map(violation => `- ${violation}`).join('\n')}`,
  )
}

/** What may have been signed and is neither recorded as issued nor revoked for good is listed, and nothing else is. */
async function checkPending(fleet: Fleet, { rows }: Records, report: (violation: string) => void): Promise<void> {
  const pending = new Set<string>()
  for await (const { id } of fleet.pending()) pending.add(idKey(id))
  for (const [key, { state, revocation }] of rows) {
    const isOver = revocation !== undefined && revocation.reason !== 'certificateHold'
    const isPending = (state === 'reserved' || state === 'abandoned') && !isOver
    if (pending.delete(key) !== isPending) report(`${key} is ${state}: pending() ${isPending ? 'omits' : 'lists'} it`)
  }
  for (const key of pending) report(`pending() lists ${key}, which nobody knows`)
}

/** Only what is recorded lets anybody in, even where more was signed. */
async function checkIdentify(
  fleet: Fleet,
  { rows }: Records,
  { signed }: Observations,
  report: (violation: string) => void,
): Promise<void> {
  for (const message of signed) {
    const id = certificateIdOf(message)
    if (id === undefined) continue
    if (rows.get(idKey(id))?.state === 'issued') continue
    const der = encodeCertificate(message.message, message.algorithm, message.signature)
    const { status } = await fleet.identify({ der })
    if (status !== 'unknown') report(`${idKey(id)} was signed, is not recorded as issued, and is ${status}`)
  }
  const issued = [...rows].filter(([, { state, deviceId }]) => state === 'issued' && deviceId !== undefined)
  for (const [key, row] of issued.slice(-identifiedCertificates)) {
    const { status } = await fleet.identify({ der: row.der! })
    const expected = expectedStatus(row)
    if (expected !== undefined && status !== expected) report(`${key} is ${expected} and identified as ${status}`)
  }
}

/** Of what depends on no clock: who is renewed for being expired has a certificate of hours. */
function expectedStatus({ revocation, supersededAt, createdAt, notAfter }: CertificateRecord): string | undefined {
  if (revocation !== undefined) return revocation.reason === 'certificateHold' ? 'held' : 'revoked'
  if (notAfter.getTime() - createdAt.getTime() < 86_400_000) return undefined
  const isGood = supersededAt === undefined || supersededAt.getTime() === endlessNotAfter.getTime()
  return isGood ? 'active' : undefined
}

const verifiers = new Map<string, SignatureVerifier>()

function verifierOf(certificate: string): SignatureVerifier {
  const known = verifiers.get(certificate)
  if (known !== undefined) return known
  const { subjectPublicKeyInfo } = parseCertificate(decodePemOne(certificate, 'CERTIFICATE'))
  const verifier = signatureVerifier(subjectPublicKeyInfo)
  // Every simulated fleet has another root.
  if (verifiers.size > 100) verifiers.clear()
  verifiers.set(certificate, verifier)
  return verifier
}

/** The current CRLs list what is revoked and nothing else, are signed, and their numbers rise. */
async function checkCrls(
  fleet: Fleet,
  records: Records,
  observations: Observations,
  report: (violation: string) => void,
): Promise<void> {
  for await (const { issuerKeyId, certificate } of fleet.issuers()) {
    for (let shard = 0; ; shard += 1) {
      const signed = await fleet.crl({ issuerKeyId, shard }).catch(unknownCrl)
      if (signed === undefined) break
      checkFullCrl(signed, certificate, records, observations, report)
      const delta = await fleet.crl({ issuerKeyId, shard, delta: true }).catch(unknownCrl)
      if (delta !== undefined) checkDeltaCrl(delta, signed, certificate, observations, report)
    }
  }
}

function unknownCrl(error: unknown): undefined {
  if (!isPkiError(error, 'ERR_PKI_CRL_UNKNOWN')) throw error
}

function checkFullCrl(
  signed: SignedCrl,
  certificate: string,
  { rows }: Records,
  observations: Observations,
  report: (violation: string) => void,
): void {
  const { issuerKeyId, shard } = signed
  const crl = parseCrl(signed.der)
  const name = `CRL ${signed.crlNumber} of ${issuerKeyId}`
  const isSigned =
    crl.signatureAlgorithm !== undefined &&
    verifierOf(certificate)(crl.signatureAlgorithm, crl.tbsCertList, crl.signature)
  if (!isSigned) report(`${name} is not signed by its issuer`)
  if (!signed.upToDate) report(`${name} is not up to date`)
  if (crl.crlNumber !== signed.crlNumber) report(`${name} has the number ${crl.crlNumber} inside`)

  const listed = new Map(crl.entries.map(entry => [entry.serialNumber, entry]))
  for (const [key, row] of rows) {
    if (row.id.issuerKeyId !== issuerKeyId || row.shard !== shard) continue
    const entry = listed.get(row.id.serialNumber)
    listed.delete(row.id.serialNumber)
    const { revocation } = row
    if (revocation === undefined) {
      if (entry !== undefined) report(`${name} lists ${key}, which is not revoked`)
    } else if (entry === undefined) {
      // RFC 5280 section 3.3: an entry may go once it was on a CRL made after the certificate's end.
      if (row.notAfter.getTime() >= signed.thisUpdate.getTime()) report(`${name} does not list ${key}`)
    } else if (
      (entry.reason ?? 'unspecified') !== revocation.reason ||
      entry.revocationDate.getTime() !== Math.floor(revocation.revocationDate.getTime() / 1000) * 1000
    ) {
      report(`${name} lists ${key} with another date or reason`)
    }
  }
  for (const serialNumber of listed.keys()) report(`${name} lists ${serialNumber}, which nobody knows`)

  const answered = answeredCrl(signed)
  for (const other of observations.crls) {
    if (other.scope !== answered.scope) continue
    if (other.crlNumber > answered.crlNumber) report(`${name} comes after CRL ${other.crlNumber}`)
    if (other.crlNumber === answered.crlNumber && other.hash !== answered.hash) report(`${name} was another one before`)
  }
  observations.crls.push(answered)
  observations.listed.set(`${issuerKeyId}.${shard}.${crl.crlNumber}`, listedBy(crl))
}

/** A delta CRL and the base that it names say together what the full CRL of its number says. */
function checkDeltaCrl(
  signed: SignedCrl,
  full: SignedCrl,
  certificate: string,
  { listed }: Observations,
  report: (violation: string) => void,
): void {
  const crl = parseCrl(signed.der)
  const name = `delta CRL ${signed.crlNumber} of ${signed.issuerKeyId}`
  const { crlNumber, baseCrlNumber, signatureAlgorithm } = crl
  const isSigned =
    signatureAlgorithm !== undefined && verifierOf(certificate)(signatureAlgorithm, crl.tbsCertList, crl.signature)
  if (!isSigned) report(`${name} is not signed by its issuer`)
  if (baseCrlNumber === undefined || baseCrlNumber > signed.crlNumber) report(`${name} starts from ${baseCrlNumber}`)
  if (crlNumber !== full.crlNumber || signed.thisUpdate.getTime() !== full.thisUpdate.getTime()) {
    report(`${name} is not of the number and time of the full one, ${full.crlNumber}`)
  }
  const base = listed.get(`${signed.issuerKeyId}.${signed.shard}.${baseCrlNumber}`)
  // A full CRL that nobody has asked for.
  if (base === undefined) return
  const together = new Map(base)
  for (const { serialNumber, reason = 'unspecified' } of crl.entries) {
    if (reason === 'removeFromCRL') together.delete(serialNumber)
    else together.set(serialNumber, reason)
  }
  const said = listedBy(parseCrl(full.der))
  for (const [serialNumber, reason] of said) {
    if (together.get(serialNumber) !== reason) report(`${name} and its base say nothing of ${serialNumber}, ${reason}`)
  }
}

function listedBy({ entries }: ReturnType<typeof parseCrl>): Listed {
  return new Map(entries.map(({ serialNumber, reason = 'unspecified' }) => [serialNumber, reason]))
}
