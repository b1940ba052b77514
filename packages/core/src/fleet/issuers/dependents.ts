import { hash } from 'node:crypto'
import { type IoOptions, parseCertificate } from '@fleetcert/x509'
import type { CertificateRecord, Store } from '../../store/store.ts'
import { statusAt } from '../device-record.ts'
import { listAll } from '../list-all.ts'

/** How far another process's clock may be ahead. */
const day = 86_400_000
const pageSize = 500
const mostDeviceIds = 100

/** What is in use of certificates: good now, by their own records, or about to be made by a process that is alive. A device that has renewed, and confirmed it, depends on its new one alone. */
export interface Dependents {
  readonly devices: number
  readonly services: number
  /** For whose names no later certificate of another CA was made. */
  readonly servers: number
  /** When the last of them ends by itself; absent where there is none. */
  readonly until?: Date
  /** Whose they are, the first hundred. */
  readonly deviceIds: readonly string[]
}

interface Server {
  readonly isOld: boolean
  readonly notAfter: Date
}

/**
 * Counts what depends on some CAs. Looks at all that was ever made, page by page.
 * @param isOld whether a certificate's issuer is one of them
 */
export async function countDependents(
  store: Store,
  now: Date,
  isOld: (issuerKeyId: string) => boolean,
  options?: IoOptions,
): Promise<Dependents> {
  const count = { devices: 0, services: 0, servers: 0 }
  const deviceIds = new Set<string>()
  /** By their names, the newest last. */
  const servers = new Map<string, Server[]>()
  let last = Number.NEGATIVE_INFINITY

  const query = { list: 'created', from: new Date(0), before: new Date(now.getTime() + day) } as const
  for await (const record of listAll(store, query, undefined, options, pageSize)) {
    if (!isOrWillBe(record, now) || statusAt(record, now) !== 'active') continue
    const old = isOld(record.id.issuerKeyId)
    if (record.role === 'server' && record.state === 'reserved') {
      // Who has its name is known when it is there.
      if (!old) continue
      count.servers += 1
      last = Math.max(last, record.notAfter.getTime())
      continue
    }
    if (record.role === 'server') {
      const names = namesOf(record)
      servers.set(names, [...(servers.get(names) ?? []), { isOld: old, notAfter: record.notAfter }])
      continue
    }
    if (!old) continue
    if (record.role === 'device') count.devices += 1
    else if (record.role === 'service') count.services += 1
    else continue
    last = Math.max(last, record.notAfter.getTime())
    if (record.deviceId !== undefined && deviceIds.size < mostDeviceIds) deviceIds.add(record.deviceId)
  }
  for (const made of servers.values()) {
    const newest = made.at(-1)
    if (newest?.isOld !== true) continue
    count.servers += 1
    last = Math.max(last, newest.notAfter.getTime())
  }
  return { ...count, ...(last > 0 ? { until: new Date(last) } : {}), deviceIds: [...deviceIds] }
}

/** A reservation that nobody gave up is a certificate that somebody waits for. */
function isOrWillBe({ state, holder }: CertificateRecord, now: Date): boolean {
  if (state === 'reserved') return holder !== undefined && holder.leaseUntil >= now
  return state === 'issued' || state === 'pinned'
}

/** Servers have no identity here but the names that their certificates are for. */
function namesOf({ der }: CertificateRecord): string {
  if (der === undefined) return ''
  const { subjectAltName = [], subjectDer } = parseCertificate(der)
  const names = subjectAltName.flatMap(name =>
    name.type === 'dns' || name.type === 'ip' ? `${name.type} ${name.value}` : [],
  )
  return names.length > 0 ? names.sort().join('\n') : hash('sha256', subjectDer)
}
