import type { CertificateState, EnrollmentToken, Events, Reservation, TokenRecord } from '@fleetcert/core'
import { assertHash } from '../arguments.ts'
import { parseJson, toHex, toOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { findDevice } from './devices.ts'
import { append } from './ledger.ts'
import type { OpenReservation } from './reserve.ts'

export function addToken(sql: Sql, token: EnrollmentToken, events: Events): void {
  assertHash(token.hash, 'hash')
  const added = sql.run(
    `INSERT INTO tokens (hash, device_id, expires_at, profile, owner, attributes, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO NOTHING`,
    token.hash,
    token.deviceId,
    token.expiresAt.getTime(),
    token.profile ?? null,
    token.owner ?? null,
    token.attributes === undefined ? null : JSON.stringify(token.attributes),
    findDevice(sql, token.deviceId)?.epoch ?? 0,
  )
  if (added > 0) append(sql, events)
}

interface TokenRow {
  readonly device_id: string
  readonly expires_at: number
  readonly profile: string | null
  readonly owner: string | null
  readonly attributes: string | null
  readonly issuer_key_id: Uint8Array | null
  readonly serial_number: Uint8Array | null
}

export function token(sql: Sql, hash: Uint8Array): TokenRecord | undefined {
  assertHash(hash, 'hash')
  const row = sql.get<TokenRow>(
    `SELECT t.device_id, t.expires_at, t.profile, t.owner, t.attributes, c.issuer_key_id, c.serial_number
     FROM tokens t LEFT JOIN certificates c ON c.ordinal = t.spent_by WHERE t.hash = ?`,
    hash,
  )
  if (row === undefined) return undefined
  return {
    hash: toOctets(hash),
    deviceId: row.device_id,
    expiresAt: new Date(row.expires_at),
    ...(row.profile !== null && { profile: row.profile }),
    ...(row.owner !== null && { owner: row.owner }),
    ...(row.attributes !== null && { attributes: parseJson(row.attributes) as Record<string, string> }),
    ...(row.issuer_key_id !== null &&
      row.serial_number !== null && {
        spentBy: { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) },
      }),
  }
}

interface SpendingRow extends Partial<OpenReservation> {
  readonly token_device_id: string
  readonly expires_at: number
  readonly token_epoch: number
  readonly spent: number
  readonly state: CertificateState | null
  readonly reason: string | null
}

/** Whether a reservation may spend a token, and from which one it takes it: one that spent it and whose lease has run out. */
export function checkToken(
  sql: Sql,
  hash: Uint8Array,
  { deviceId, createdAt }: Reservation,
  epoch: number,
): { readonly refused: 'tokenSpent' | 'deviceClosed' } | { readonly lapsed?: OpenReservation } {
  const row = sql.get<SpendingRow>(
    `SELECT t.device_id AS token_device_id, t.expires_at, t.epoch AS token_epoch, t.spent, c.state, c.reason, c.ordinal,
       c.issuer_key_id, c.serial_number, c.device_id, c.lease_until
     FROM tokens t LEFT JOIN certificates c ON c.ordinal = t.spent_by WHERE t.hash = ?`,
    hash,
  )
  if (row === undefined || row.token_device_id !== deviceId) return { refused: 'tokenSpent' }
  if (row.expires_at <= createdAt.getTime()) return { refused: 'tokenSpent' }
  const isOpen = row.state === 'reserved' && (row.reason === null || row.reason === 'certificateHold')
  const isLapsed = isOpen && row.lease_until! < createdAt.getTime()
  // What was pruned had become a certificate, as far as anybody knows.
  const isForNothing = isLapsed || row.state === 'abandoned' || (row.state === 'reserved' && !isOpen)
  if (row.spent !== 0 && !isForNothing) return { refused: 'tokenSpent' }
  // A token does not outlive the revocation of its device.
  if (row.token_epoch !== epoch) return { refused: 'deviceClosed' }
  return isLapsed ? { lapsed: row as OpenReservation } : {}
}

/** The reservation of that ordinal has it from now on. */
export function spendToken(sql: Sql, hash: Uint8Array, ordinal: number): void {
  sql.run('UPDATE tokens SET spent = 1, spent_by = ? WHERE hash = ?', ordinal, hash)
}
