import type { EnrollmentToken } from '@fleetcert/core'
import { assertHash } from '../arguments.ts'
import type { Sql } from '../sql.ts'
import { findDevice } from './devices.ts'

export function addToken(sql: Sql, token: EnrollmentToken): void {
  assertHash(token.hash, 'hash')
  sql.run(
    'INSERT INTO tokens (hash, device_id, expires_at, epoch) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING',
    token.hash,
    token.deviceId,
    token.expiresAt.getTime(),
    findDevice(sql, token.deviceId)?.epoch ?? 0,
  )
}
