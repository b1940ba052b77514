import { commit } from './operations/commit.ts'
import { crlEntries } from './operations/crl-entries.ts'
import { crlHead, crlParts, crlState, nextCrlNumber, putCrl } from './operations/crls.ts'
import { document, putDocument } from './operations/documents.ts'
import { exportRows } from './operations/export-records.ts'
import { changeState, state } from './operations/fleet-state.ts'
import { importRecords } from './operations/import-records.ts'
import { lease, releaseLease } from './operations/leases.ts'
import { cursor, ledger, newestEventAt, saveCursor } from './operations/ledger.ts'
import { certificate, certificateStatus, certificates, revoked } from './operations/listings.ts'
import { packRows } from './operations/pack-records.ts'
import { prune } from './operations/prune.ts'
import { register } from './operations/register.ts'
import { abandon, extendHolder } from './operations/reservations.ts'
import { reserve } from './operations/reserve.ts'
import { blockKey, release, revoke, revokeAll, revokeDevice } from './operations/revoke.ts'
import { supersede } from './operations/supersede.ts'
import { addToken, token } from './operations/tokens.ts'

/** What changes something: each in a transaction that holds the write lock from its beginning. */
export interface Writes {
  readonly reserve: typeof reserve
  readonly commit: typeof commit
  readonly supersede: typeof supersede
  readonly abandon: typeof abandon
  readonly extendHolder: typeof extendHolder
  readonly register: typeof register
  readonly revoke: typeof revoke
  readonly revokeDevice: typeof revokeDevice
  readonly revokeAll: typeof revokeAll
  readonly blockKey: typeof blockKey
  readonly release: typeof release
  readonly nextCrlNumber: typeof nextCrlNumber
  readonly putCrl: typeof putCrl
  readonly putDocument: typeof putDocument
  readonly addToken: typeof addToken
  readonly lease: typeof lease
  readonly releaseLease: typeof releaseLease
  readonly saveCursor: typeof saveCursor
  readonly prune: typeof prune
  readonly changeState: typeof changeState
  readonly importRecords: typeof importRecords
}

/** What reads by several statements, which must see the same moment. */
export interface Snapshots {
  readonly revoked: typeof revoked
  readonly crlEntries: typeof crlEntries
  readonly crlState: typeof crlState
  readonly crlHead: typeof crlHead
  readonly crlParts: typeof crlParts
  readonly ledger: typeof ledger
  readonly exportRows: typeof exportRows
  readonly packRows: typeof packRows
}

/** What reads by one statement, which needs no transaction. */
export interface Queries {
  readonly certificate: typeof certificate
  readonly certificateStatus: typeof certificateStatus
  readonly certificates: typeof certificates
  readonly document: typeof document
  readonly token: typeof token
  readonly newestEventAt: typeof newestEventAt
  readonly cursor: typeof cursor
  readonly state: typeof state
}

/** Every operation of the store that is SQL. */
export interface Operations extends Writes, Snapshots, Queries {}

export const writes: Writes = {
  reserve,
  commit,
  supersede,
  abandon,
  extendHolder,
  register,
  revoke,
  revokeDevice,
  revokeAll,
  blockKey,
  release,
  nextCrlNumber,
  putCrl,
  putDocument,
  addToken,
  lease,
  releaseLease,
  saveCursor,
  prune,
  changeState,
  importRecords,
}
export const snapshots: Snapshots = {
  revoked,
  crlEntries,
  crlState,
  crlHead,
  crlParts,
  ledger,
  exportRows,
  packRows,
}
export const queries: Queries = {
  certificate,
  certificateStatus,
  certificates,
  document,
  token,
  newestEventAt,
  cursor,
  state,
}
