import type { Cursor, Lease } from '@fleetcert/core'
import { commit } from './operations/commit.ts'
import { crl, nextCrlNumber, putCrl } from './operations/crls.ts'
import { document, putDocument } from './operations/documents.ts'
import { isCurrentLease, lease, releaseLease } from './operations/leases.ts'
import { cursor, ledger, newestEventAt, saveCursor } from './operations/ledger.ts'
import { certificate, certificates, revoked } from './operations/listings.ts'
import { prune } from './operations/prune.ts'
import { register } from './operations/register.ts'
import { abandon, extendHolder } from './operations/reservations.ts'
import { reserve } from './operations/reserve.ts'
import { release, revoke, revokeDevice } from './operations/revoke.ts'
import { addToken } from './operations/tokens.ts'
import type { Sql } from './sql.ts'

/** What changes something: each in a transaction that holds the write lock from its beginning. */
export const writes = {
  reserve,
  commit,
  abandon,
  extendHolder,
  register,
  revoke,
  revokeDevice,
  release,
  nextCrlNumber,
  putCrl,
  putDocument,
  addToken,
  lease,
  releaseLease,
  saveCursor: (sql: Sql, consumer: string, cursor: Cursor, lease: Lease | undefined): boolean => {
    if (!isCurrentLease(sql, lease)) return false
    saveCursor(sql, consumer, cursor)
    return true
  },
  prune,
}

/** What reads by several statements, which must see the same moment. */
export const snapshots = { revoked, crl, ledger }

/** What reads by one statement, which needs no transaction. */
export const queries = { certificate, certificates, document, newestEventAt, cursor }
