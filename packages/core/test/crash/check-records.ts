import type { CertificateRecord, FleetEvent, FleetEventType, Revocation } from '@fleetcert/core'
import { encodeCertificateList, endlessNotAfter, formatFingerprint, parseCrl } from '@fleetcert/x509'
import { eventText, idKey, type Observations, type SigningRequest } from './observations.ts'
import { certificateIdOf, type Records } from './read-records.ts'

type Report = (violation: string) => void

/** An event of a certificate and its place in the ledger. */
interface Placed extends FleetEvent {
  readonly index: number
}
type EventsOf = (key: string, ...types: readonly FleetEventType[]) => readonly Placed[]

/** What must hold of a store's records at any moment, whoever has died. Reads nothing; reports every breach. */
export function checkRecords(records: Records, observations: Observations, report: Report): void {
  const byCertificate = new Map<string, Placed[]>()
  for (const [index, event] of records.ledger.entries()) {
    if (event.certificate === undefined) continue
    const key = idKey(event.certificate)
    const events = byCertificate.get(key)
    if (events === undefined) byCertificate.set(key, [{ ...event, index }])
    else events.push({ ...event, index })
  }
  const eventsOf: EventsOf = (key, ...types) =>
    (byCertificate.get(key) ?? []).filter(event => types.includes(event.type))

  checkLedger(records, observations, report)
  for (const key of byCertificate.keys()) if (!records.rows.has(key)) report(`${key} has events and no row`)
  for (const [key, row] of records.rows) checkRow(key, row, eventsOf, records, report)
  checkDevices(records, eventsOf, report)
  checkEnds(records, observations, eventsOf, report)
  checkSigned(records, observations, report)
  checkReturned(records, observations, report)
  checkRevocations(records, observations, eventsOf, report)
  checkKeys(records, observations, report)
  checkSeen(records, observations, eventsOf, report)
}

function checkLedger({ ledger }: Records, { seen }: Observations, report: Report): void {
  let last = Number.NEGATIVE_INFINITY
  for (const { sequence } of ledger) {
    if (!(sequence > last)) report(`the ledger's sequence does not rise: ${sequence} after ${last}`)
    last = sequence
  }
  const texts = ledger.map(eventText)
  for (const [index, text] of seen.ledger.entries()) {
    if (texts[index] === text) continue
    report(`the ledger's entry ${index} was ${text} and is ${texts[index]}`)
    break
  }
  seen.ledger = texts

  const crlNumbers = new Map<string, bigint>()
  for (const { type, details } of ledger) {
    if (type !== 'crlPublished') continue
    const scope = `${details?.['issuerKeyId']}.${details?.['shard']}.${details?.['delta'] ?? false}`
    const crlNumber = BigInt(String(details?.['crlNumber']))
    const before = crlNumbers.get(scope)
    if (before !== undefined && crlNumber <= before) report(`CRL ${crlNumber} was published after CRL ${before}`)
    crlNumbers.set(scope, crlNumber)
  }
}

function checkRow(key: string, row: CertificateRecord, eventsOf: EventsOf, records: Records, report: Report): void {
  const expectCount = (count: number, ...types: readonly FleetEventType[]): void => {
    const found = eventsOf(key, ...types).length
    if (found !== count) report(`${key} (${row.state}) has ${found} events ${types.join('|')}, expected ${count}`)
  }
  const isIssued = row.state === 'issued'
  const isPinned = row.state === 'pinned'
  expectCount(isPinned ? 0 : 1, 'issuing')
  expectCount(isPinned ? 1 : 0, 'registered')
  expectCount(isIssued ? 1 : 0, 'issued', 'renewed')
  expectCount(row.state === 'abandoned' ? 1 : 0, 'abandoned')
  if ((isIssued || isPinned) !== (row.der !== undefined)) report(`${key} is ${row.state}: der is ${typeof row.der}`)
  if ((isIssued || isPinned) === (row.tbsCertificate !== undefined)) report(`${key} is ${row.state}: tbsCertificate`)
  if ((row.state === 'reserved') !== records.reserved.has(key)) report(`${key} is ${row.state}: listed wrongly`)

  const [issued] = eventsOf(key, 'issued', 'renewed')
  if (issued !== undefined && row.fingerprint !== undefined) {
    if (issued.fingerprint !== formatFingerprint(row.fingerprint)) report(`${key}: its event has another fingerprint`)
  }
  const [issuing] = eventsOf(key, 'issuing', 'registered')
  const early = eventsOf(key, 'issued', 'renewed', 'abandoned', 'revoked', 'held').find(
    ({ index }) => issuing === undefined || index < issuing.index,
  )
  if (early !== undefined) report(`${key}: ${early.type} comes before ${issuing?.type ?? 'anything'}`)

  for (const { details } of eventsOf(key, 'superseded')) {
    const at = new Date(String(details?.['supersededAt']))
    if (row.supersededAt === undefined || row.supersededAt > at) report(`${key} ends later than its event superseded`)
  }

  const { revocation } = row
  const isFinal = revocation !== undefined && revocation.reason !== 'certificateHold'
  const isHeld = revocation !== undefined && !isFinal
  const revoked = eventsOf(key, 'revoked')
  const hold = eventsOf(key, 'held', 'released').at(-1)
  // A final revocation stays, but for another reason's turning into keyCompromise: the date is the first one's.
  const mayBe = revocation?.reason === 'keyCompromise' ? [1, 2] : [isFinal ? 1 : 0]
  if (!mayBe.includes(revoked.length)) report(`${key} (${row.state}) has ${revoked.length} events revoked`)
  if (!isFinal && (hold?.type === 'held') !== isHeld) report(`${key}: held or not, its events say otherwise`)
  const [first, last] = isFinal ? [revoked.at(0), revoked.at(-1)] : isHeld ? [hold, hold] : []
  if (revocation !== undefined && first !== undefined && last !== undefined) {
    const isSame =
      first.at.getTime() === revocation.revocationDate.getTime() && last.details?.['reason'] === revocation.reason
    if (!isSame) report(`${key}: its revocation is not that of its events`)
    if (first !== last && first.details?.['reason'] === 'keyCompromise') report(`${key}: keyCompromise was replaced`)
  }
}

function checkDevices({ rows }: Records, eventsOf: EventsOf, report: Report): void {
  const devices = new Map<string, { key: string; row: CertificateRecord }[]>()
  const authorities = new Map<string, number>()
  for (const [key, row] of rows) {
    if (row.state !== 'issued') continue
    if (row.role === 'root' || row.role === 'issuingCa') authorities.set(row.role, (authorities.get(row.role) ?? 0) + 1)
    if (row.deviceId === undefined) continue
    const device = devices.get(row.deviceId)
    if (device === undefined) devices.set(row.deviceId, [{ key, row }])
    else device.push({ key, row })
  }
  for (const [role, count] of authorities) if (count > 1) report(`${count} certificates of the ${role} were issued`)
  for (const [deviceId, issued] of devices) {
    const newest = Math.max(...issued.map(({ row }) => row.createdAt.getTime()))
    const live = issued.filter(
      ({ row }) =>
        (row.revocation === undefined || row.revocation.reason === 'certificateHold') &&
        row.supersededAt === undefined &&
        row.notAfter.getTime() >= newest,
    )
    if (live.length > 1) report(`${deviceId} has ${live.length} live certificates that nothing supersedes`)
    const superseded = issued.filter(({ row }) => row.supersededAt !== undefined).length
    const renewals = issued.filter(({ key }) => eventsOf(key, 'renewed').length > 0).length
    // What a certificate has replaced that was revoked since is replaced once more.
    const inVain = issued.filter(
      ({ key, row: { revocation } }) =>
        eventsOf(key, 'renewed').length > 0 && revocation !== undefined && revocation.reason !== 'certificateHold',
    ).length
    if (superseded > renewals || superseded < renewals - inVain) {
      report(`${deviceId}: ${superseded} certificates superseded by ${renewals} renewals`)
    }
  }
}

/** What no operator has ended goes on until a newer one is confirmed, and the ledger tells of that. */
function checkEnds({ rows }: Records, { operatorRenewals }: Observations, eventsOf: EventsOf, report: Report): void {
  for (const [key, { deviceId, supersededAt }] of rows) {
    if (supersededAt === undefined || deviceId === undefined || operatorRenewals.includes(deviceId)) continue
    const end = supersededAt.toISOString()
    const isTold = eventsOf(key, 'superseded').some(({ details }) => details?.['supersededAt'] === end)
    if (!isTold && supersededAt.getTime() !== endlessNotAfter.getTime()) {
      report(`${key} is superseded from ${end} on, and nobody has confirmed a newer one`)
    }
  }
}

function checkSigned({ rows }: Records, { signing }: Observations, report: Report): void {
  const certificates = new Map<string, number>()
  const crls = new Map<string, Uint8Array>()
  for (const message of signing) {
    const id = certificateIdOf(message)
    if (id === undefined) {
      const crl = crlOf(message)
      const key = `${message.issuerKeyId}.${crl}`
      const other = crls.get(key)
      if (other !== undefined && !same(other, message.message)) report(`two CRLs of the number ${crl} were signed`)
      crls.set(key, message.message)
      continue
    }
    const key = idKey(id)
    certificates.set(key, (certificates.get(key) ?? 0) + 1)
    const row = rows.get(key)
    // What is signed stands at the beginning of the certificate, behind the header of the outer SEQUENCE.
    const recorded = row?.tbsCertificate ?? (row?.der === undefined ? undefined : tbsOf(row.der))
    if (recorded === undefined || !same(recorded, message.message)) {
      report(`${key} was signed, and exactly these bytes are not on record`)
    }
  }
  for (const [key, count] of certificates) if (count > 1) report(`${key} was signed ${count} times`)
}

function checkReturned({ rows }: Records, { returned }: Observations, report: Report): void {
  const keys = new Map<string, boolean>()
  for (const { id, der, isRepeatable = false } of returned) {
    const key = idKey(id)
    if (keys.has(key) && !(isRepeatable && keys.get(key))) report(`${key} was returned twice`)
    keys.set(key, isRepeatable)
    const row = rows.get(key)
    if (row?.state !== 'issued' || row.der === undefined || !same(row.der, der)) {
      report(`${key} was returned and is not recorded as it was returned, but ${row?.state ?? 'not at all'}`)
    }
  }
}

function checkRevocations({ rows }: Records, { revocations }: Observations, eventsOf: EventsOf, report: Report): void {
  const byDevice = new Map<string, string[]>()
  for (const [key, { deviceId }] of rows) {
    if (deviceId === undefined) continue
    const keys = byDevice.get(deviceId)
    if (keys === undefined) byDevice.set(deviceId, [key])
    else keys.push(key)
  }
  for (const { deviceId, certificates, revocationDate, reason } of revocations) {
    let last = -1
    for (const id of certificates) {
      // Held it may have been several times; each other reason comes once.
      const event = eventsOf(idKey(id), 'revoked', 'held').find(
        ({ at, details }) =>
          details?.['reason'] === reason &&
          (reason !== 'certificateHold' || revocationDate === undefined || at.getTime() === revocationDate.getTime()),
      )
      if (event === undefined) report(`${idKey(id)} was answered as revoked and no event tells of it`)
      // What else had a compromised key was ended after the device was closed.
      else if (rows.get(idKey(id))?.deviceId === deviceId) last = Math.max(last, event.index)
    }
    if (deviceId === undefined || last === -1) continue
    // What was begun before the device was revoked cannot slip through.
    for (const key of byDevice.get(deviceId) ?? []) {
      const begun = eventsOf(key, 'issuing')[0]
      if (begun === undefined || begun.index > last) continue
      if (!eventsOf(key, 'revoked', 'held').some(({ index }) => index <= last)) {
        report(`${key} was begun before ${deviceId} was revoked, and slipped through`)
      }
    }
  }
}

/** Once a revocation for keyCompromise was answered, nothing with the key lives on. */
function checkKeys({ rows }: Records, { revocations }: Observations, report: Report): void {
  const compromised = new Set<string>()
  for (const { certificates, reason } of revocations) {
    if (reason !== 'keyCompromise') continue
    for (const id of certificates) {
      const row = rows.get(idKey(id))
      if (row !== undefined) compromised.add(Buffer.from(row.publicKeyHash).toString('hex'))
    }
  }
  for (const [key, { publicKeyHash, revocation }] of rows) {
    const hash = Buffer.from(publicKeyHash).toString('hex')
    if (compromised.has(hash) && revocation?.reason !== 'keyCompromise') {
      report(`${key} has a key that was answered as compromised, and lives on`)
    }
  }
}

/** What an earlier check saw may go on, never back. */
function checkSeen({ rows }: Records, { seen }: Observations, eventsOf: EventsOf, report: Report): void {
  for (const [key, before] of seen.rows) {
    const row = rows.get(key)
    if (row === undefined) {
      report(`${key} is gone`)
      continue
    }
    if (before.state !== 'reserved' && row.state !== before.state) report(`${key} was ${before.state}, is ${row.state}`)
    if (before.der !== undefined && (row.der === undefined || !same(before.der, row.der))) report(`${key} was changed`)
    if (before.revocation !== undefined && before.revocation.reason !== 'certificateHold') {
      if (!isStill(before.revocation, row.revocation)) report(`${key}: its revocation reverts or changes`)
    }
    if (before.supersededAt === undefined) continue
    if (row.supersededAt === undefined || row.supersededAt > before.supersededAt) {
      report(`${key}: its supersession reverts`)
    } else if (row.supersededAt < before.supersededAt && !endsEarlier(key, row, rows, eventsOf)) {
      report(`${key}: its supersession changes, and no event tells of it`)
    }
  }
  for (const [key, { state, der, revocation, supersededAt }] of rows) {
    seen.rows.set(key, {
      state,
      ...(der === undefined ? {} : { der }),
      ...(revocation === undefined ? {} : { revocation }),
      ...(supersededAt === undefined ? {} : { supersededAt }),
    })
  }
}

/** Whether a confirmation has brought its end forward, or another renewal, after the first one's certificate was revoked. */
function endsEarlier(key: string, row: CertificateRecord, rows: Records['rows'], eventsOf: EventsOf): boolean {
  const end = row.supersededAt?.toISOString()
  if (eventsOf(key, 'superseded').some(({ details }) => details?.['supersededAt'] === end)) return true
  return [...rows].some(
    ([other, { deviceId, revocation }]) =>
      deviceId === row.deviceId &&
      revocation !== undefined &&
      revocation.reason !== 'certificateHold' &&
      eventsOf(other, 'renewed').length > 0,
  )
}

/** The same revocation, or keyCompromise since then. */
function isStill(before: Revocation, now: Revocation | undefined): boolean {
  if (now?.revocationDate.getTime() !== before.revocationDate.getTime()) return false
  if (now.reason !== before.reason) return now.reason === 'keyCompromise'
  return now.invalidityDate?.getTime() === before.invalidityDate?.getTime()
}

/** Number, shard and kind: a full CRL and its delta share the number. */
function crlOf({ message, algorithm }: SigningRequest): string {
  const crl = parseCrl(encodeCertificateList(message, algorithm, new Uint8Array(8)))
  const kind = crl.baseCrlNumber === undefined ? '' : ' (delta)'
  return `${crl.crlNumber}${kind} ${crl.issuingDistributionPoint?.urls.join(' ')}`.trim()
}

/** TBSCertificate of a certificate: its first element. */
function tbsOf(der: Uint8Array): Uint8Array {
  const start = headerLength(der)
  const inner = der.subarray(start)
  const header = headerLength(inner)
  let length = inner[1]!
  if (length >= 0x80) {
    length = 0
    for (let index = 2; index < header; index += 1) length = length * 256 + inner[index]!
  }
  return inner.subarray(0, header + length)
}

function headerLength(element: Uint8Array): number {
  return element[1]! < 0x80 ? 2 : 2 + (element[1]! & 0x7f)
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
