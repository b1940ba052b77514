import type { CertificateId, CertificateRecord, FleetEvent, Store } from '@fleetcert/core'
import { parseTbsCertificate } from '@fleetcert/x509'
import { idKey, type Observations, type SigningRequest } from './observations.ts'

/** All that a store says, as far as anybody can know what to ask for. */
export interface Records {
  readonly ledger: readonly FleetEvent[]
  /** By `issuerKeyId.serialNumber`. */
  readonly rows: ReadonlyMap<string, CertificateRecord>
  /** What is listed as reserved, by the same key. */
  readonly reserved: ReadonlySet<string>
}

/** Reads everything; two pages meet many times, for paging must neither lose nor repeat. */
export async function readRecords(store: Store, observations: Observations): Promise<Records> {
  const ledger: FleetEvent[] = []
  for (let after = ''; ; ) {
    const page = await store.ledger({ after, limit: 997 })
    ledger.push(...page.items)
    if (page.items.length === 0) break
    after = page.next
  }

  const asked = new Map<string, CertificateId>()
  const add = (id: CertificateId | undefined): void => {
    if (id !== undefined) asked.set(idKey(id), id)
  }
  for (const event of ledger) add(event.certificate)
  for (const request of observations.signing) add(certificateIdOf(request))
  for (const { id } of observations.returned) add(id)

  const reserved = new Set<string>()
  for await (const record of listed(store, { list: 'reserved' })) {
    add(record.id)
    reserved.add(idKey(record.id))
  }
  const deviceIds = new Set(observations.deviceIds)
  for (const event of ledger) if (event.deviceId !== undefined) deviceIds.add(event.deviceId)
  for (const deviceId of deviceIds) {
    for await (const record of listed(store, { list: 'device', deviceId })) add(record.id)
  }

  const rows = new Map<string, CertificateRecord>()
  for (const [key, id] of asked) {
    const record = await store.certificate(id)
    if (record !== undefined) rows.set(key, record)
  }
  return { ledger, rows, reserved }
}

async function* listed(
  store: Store,
  query: Parameters<Store['certificates']>[0],
): AsyncGenerator<CertificateRecord, void, undefined> {
  let after: string | undefined
  do {
    const page = await store.certificates(query, { limit: 101, ...(after === undefined ? {} : { after }) })
    yield* page.items
    after = page.next
  } while (after !== undefined)
}

// Checks come again and again, messages stay.
const ids = new WeakMap<SigningRequest, CertificateId>()

/** Which certificate a message to be signed is of; `undefined` for one that is no TBSCertificate. */
export function certificateIdOf(request: SigningRequest): CertificateId | undefined {
  const { issuerKeyId, message } = request
  if (!isTbsCertificate(message)) return undefined
  const known = ids.get(request)
  if (known !== undefined) return known
  const id = { issuerKeyId, serialNumber: parseTbsCertificate(message).serialNumber }
  ids.set(request, id)
  return id
}

// TBSCertificate begins with [0] EXPLICIT version, TBSCertList with INTEGER version (RFC 5280 sections 4.1 and 5.1).
function isTbsCertificate(message: Uint8Array): boolean {
  const length = message[1]!
  return message[length < 0x80 ? 2 : 2 + (length & 0x7f)] === 0xa0
}
