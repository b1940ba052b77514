import { createHash } from 'node:crypto'
import { formatFingerprint } from '@fleetcert/x509'
import type { FleetEventInput } from '../../store/store.ts'
import type { CertificateEntry, CrlScopeEntry, StoreRecord } from '../../store/store-records.ts'
import type { VerifiedBackup } from '../verify-backup.ts'
import { type LaterRevocation, type LaterRevocations, revocationKey } from './later-revocations.ts'

export interface RestorePlan {
  readonly verified: VerifiedBackup
  /** When the restore was begun; the same when it is taken up again. */
  readonly startedAt: Date
  readonly later: LaterRevocations
  /** Whether tokens that were good at the backup still are. */
  readonly keepTokens: boolean
  /** Whose CRLs are made anew. */
  readonly ownKeys: ReadonlySet<string>
}

/** What a restore changes of what was saved, and adds to it: one record after the other, in the order of the backup, then the rest. */
export interface RestoredRecords {
  /** The record as it is restored; `undefined`: not at all. */
  map(record: StoreRecord): StoreRecord | undefined
  /** After the last: what is known beyond the backup, and the counters. */
  rest(): readonly StoreRecord[]
  /** How many revocations were merged, and how many of these are of certificates that the backup does not know. */
  readonly merged: { readonly revocations: number; readonly unknown: number }
}

/**
 * How many numbers are left out between the last known and the next given out. Nobody knows how many the fleet gave out after the backup: CRLs come a second apart at the least, ledger entries in a burst, so it is a
 * million and four for each second since. They are plenty: a CRL number may have 63 bits here, a place in the ledger 15 digits.
 */
export function skippedNumbers(createdAt: Date, startedAt: Date): number {
  const seconds = Math.max(0, Math.ceil((startedAt.getTime() - createdAt.getTime()) / 1000))
  return 2 ** 20 + 4 * seconds
}

export function restoredRecords({ verified, startedAt, later, keepTokens, ownKeys }: RestorePlan): RestoredRecords {
  const { header, trailer, head, authorities } = verified
  const skip = skippedNumbers(header.createdAt, startedAt)
  const scopes = new Map(allScopes(verified).map(scope => [scopeKey(scope), { ...scope }]))
  const places = new Map<string, { place: number; change: number }>()
  const known = new Set<string>()
  const revoked = new Map<string, { entry: LaterRevocation; of: Partial<CertificateEntry['record']> }>()
  const merged = { revocations: 0, unknown: 0 }

  /** A new place, and a new change, in a scope; the same for a certificate that comes again. */
  const placeOf = (
    key: string,
    scope: LaterRevocation['scope'],
    former?: number,
  ): { place: number; change: number } => {
    let given = places.get(key)
    if (given === undefined) {
      let counted = scopes.get(scopeKey(scope))
      if (counted === undefined) {
        counted = { kind: 'crlScope', ...scope, lastNumber: 0n, lastChange: 0, lastPlace: 0 }
        scopes.set(scopeKey(scope), counted)
      }
      counted.lastChange += 1
      if (former === undefined) counted.lastPlace += 1
      given = { place: former ?? counted.lastPlace, change: counted.lastChange }
      places.set(key, given)
    }
    return given
  }

  const mapCertificate = (certificate: CertificateEntry): CertificateEntry => {
    const { record } = certificate
    const key = revocationKey(record.id)
    const entry = later.entries.get(key)
    if (entry === undefined) return certificate
    known.add(key)
    const { revocation } = record
    // First wins, as in a store; but a hold may have become final since.
    const isFinal = revocation !== undefined && revocation.reason !== 'certificateHold'
    const isSame = revocation !== undefined && entry.revocation.reason === 'certificateHold'
    if (isFinal || isSame) return certificate
    revoked.set(key, { entry, of: record })
    const scope = { issuerKeyId: record.id.issuerKeyId, shard: record.shard }
    return {
      ...certificate,
      record: { ...record, revocation: entry.revocation },
      revocation: placeOf(key, scope, certificate.revocation?.place),
    }
  }

  const unknownEntries = function* (): Generator<CertificateEntry, void, void> {
    let ordinal = head.lastOrdinal
    for (const [key, entry] of later.entries) {
      if (known.has(key)) continue
      const issuer = authorities.find(({ keyId }) => keyId === entry.id.issuerKeyId)!
      ordinal += 1
      revoked.set(key, { entry, of: {} })
      merged.unknown += 1
      yield {
        kind: 'certificate',
        ordinal,
        epoch: 0,
        record: {
          id: entry.id,
          state: 'abandoned',
          role: 'custom',
          profile: 'unknown',
          // Its key is not known: one that no other certificate has.
          publicKeyHash: createHash('sha256').update(`unknown ${key}`).digest(),
          notBefore: issuer.certificate.notBefore,
          // On the CRL until its issuer ends: nobody knows when it does.
          notAfter: issuer.certificate.notAfter,
          shard: entry.scope.shard,
          createdAt: header.createdAt,
          tbsCertificate: new Uint8Array(),
          revocation: entry.revocation,
        },
        revocation: placeOf(key, entry.scope),
      }
    }
  }

  return {
    merged,
    map(record) {
      switch (record.kind) {
        case 'certificate':
          return mapCertificate(record)
        case 'token':
          // Spent, or its device revoked, since the backup: who can tell?
          return keepTokens || record.spentBy !== undefined ? record : { ...record, spentBy: 0 }
        case 'crl':
        case 'crlPart':
          // Older than what was published since; whoever has the key makes a new one at once.
          return ownKeys.has(record.issuerKeyId) ? undefined : record
        case 'lease':
          // A process that has outlived its store may hold a later one.
          return { ...record, fence: record.fence + skip }
        case 'crlScope':
        case 'head':
          return undefined
        default:
          return record
      }
    },
    rest() {
      const certificates = [...unknownEntries()]
      merged.revocations = revoked.size
      const events: FleetEventInput[] = [...revoked.values()].map(({ entry, of }) => ({
        type: entry.revocation.reason === 'certificateHold' ? 'held' : 'revoked',
        at: startedAt,
        certificate: entry.id,
        ...(of.deviceId === undefined ? {} : { deviceId: of.deviceId }),
        ...(of.fingerprint === undefined ? {} : { fingerprint: formatFingerprint(of.fingerprint) }),
        details: { reason: entry.revocation.reason, by: 'crl' },
      }))
      events.push({
        type: 'restored',
        at: startedAt,
        details: {
          digest: trailer.digest,
          backupCreatedAt: header.createdAt.toISOString(),
          revocations: merged.revocations,
          unknownRevocations: merged.unknown,
        },
      })
      const firstSequence = head.lastSequence + skip
      const blocked = [...revoked.values()].flatMap(({ entry, of }): StoreRecord[] =>
        entry.revocation.reason === 'keyCompromise' && of.publicKeyHash !== undefined
          ? [{ kind: 'blockedKey', publicKeyHash: of.publicKeyHash }]
          : [],
      )
      const newest = Math.max(head.newestEventAt?.getTime() ?? 0, startedAt.getTime())
      return [
        ...certificates,
        ...events.map((event, index): StoreRecord => ({ kind: 'event', sequence: firstSequence + index + 1, event })),
        ...blocked,
        ...[...scopes.values()].map(scope => aheadOf(scope, later, skip)),
        {
          kind: 'head',
          lastOrdinal: head.lastOrdinal + certificates.length,
          lastSequence: firstSequence + events.length,
          newestEventAt: new Date(newest),
        },
      ]
    },
  }
}

/** Those that were counted, and those that may have been since: the first CRL may have come after the backup. */
function allScopes({ authorities, scopes }: VerifiedBackup): readonly CrlScopeEntry[] {
  const counted = new Set(scopes.map(scopeKey))
  const own = authorities.flatMap(({ keyId, key, shards }) =>
    key === undefined ? [] : Array.from({ length: shards }, (_, shard) => ({ issuerKeyId: keyId, shard })),
  )
  const fresh = own
    .filter(scope => !counted.has(scopeKey(scope)))
    .map((scope): CrlScopeEntry => ({ kind: 'crlScope', ...scope, lastNumber: 0n, lastChange: 0, lastPlace: 0 }))
  return [...scopes, ...fresh]
}

function aheadOf(scope: CrlScopeEntry, { numbers }: LaterRevocations, skip: number): CrlScopeEntry {
  const seen = numbers.get(scope.issuerKeyId) ?? 0n
  return { ...scope, lastNumber: (seen > scope.lastNumber ? seen : scope.lastNumber) + BigInt(skip) }
}

function scopeKey({ issuerKeyId, shard }: { readonly issuerKeyId: string; readonly shard: number }): string {
  return `${issuerKeyId}.${shard}`
}
