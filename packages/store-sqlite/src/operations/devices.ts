import type { Sql } from '../sql.ts'

/** The device's epoch: it rises when the device is revoked as a whole, and what was begun before is void. */
export function epochOf(sql: Sql, deviceId: string | undefined): number {
  if (deviceId === undefined) return 0
  return sql.get<{ epoch: number }>('SELECT epoch FROM devices WHERE device_id = ?', deviceId)?.epoch ?? 0
}

export function openDevice(sql: Sql, deviceId: string): void {
  sql.run('INSERT INTO devices (device_id) VALUES (?) ON CONFLICT (device_id) DO NOTHING', deviceId)
}

/** Makes the certificate the newest of its device, unless a newer one is there. */
export function offerNewest(sql: Sql, ordinal: number): void {
  sql.run(
    `UPDATE devices SET (newest, owner, role, not_after) = (c.ordinal, c.owner, c.role, c.not_after)
     FROM certificates c
     WHERE c.ordinal = ? AND devices.device_id = c.device_id AND (devices.newest IS NULL OR devices.newest < c.ordinal)`,
    ordinal,
  )
}

/** After certificates of it were dropped: the newest that is left, or none; a device that nothing is known of any more is dropped too. */
export function refreshNewest(sql: Sql, deviceId: string): void {
  sql.run('UPDATE devices SET newest = NULL, owner = NULL, role = NULL, not_after = NULL WHERE device_id = ?', deviceId)
  const newest = sql.get<{ ordinal: number }>(
    `SELECT ordinal FROM certificates WHERE device_id = ? AND state IN ('issued', 'pinned') ORDER BY ordinal DESC LIMIT 1`,
    deviceId,
  )
  if (newest !== undefined) {
    offerNewest(sql, newest.ordinal)
    return
  }
  // An epoch above 0 says that the device was revoked: that is not forgotten.
  sql.run(
    `DELETE FROM devices WHERE device_id = ? AND epoch = 0
     AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.device_id = devices.device_id)`,
    deviceId,
  )
}
