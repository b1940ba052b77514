import type { Sql } from '../sql.ts'

/** What the rows of a device refer to it by, and its epoch: that rises when the device is revoked as a whole, and what was begun before is void. */
export interface DeviceKey {
  readonly device: number
  readonly epoch: number
}

export function findDevice(sql: Sql, deviceId: string): DeviceKey | undefined {
  return sql.get<DeviceKey>('SELECT device, epoch FROM devices WHERE device_id = ?', deviceId)
}

export function insertDevice(sql: Sql, deviceId: string): DeviceKey {
  return sql.get<DeviceKey>('INSERT INTO devices (device_id) VALUES (?) RETURNING device, epoch', deviceId)!
}

export function openDevice(sql: Sql, deviceId: string): DeviceKey {
  return findDevice(sql, deviceId) ?? insertDevice(sql, deviceId)
}

/** Makes the certificate the newest of its device, unless a newer one is there. */
export function offerNewest(sql: Sql, ordinal: number): void {
  sql.run(
    `UPDATE devices SET (newest, owner, role, not_after) = (c.ordinal, c.owner, c.role, c.not_after)
     FROM certificates c
     WHERE c.ordinal = ? AND devices.device = c.device AND (devices.newest IS NULL OR devices.newest < c.ordinal)`,
    ordinal,
  )
}

/** After certificates of it were dropped: the newest that is left, or none; a device that nothing is known of any more is dropped too. */
export function refreshNewest(sql: Sql, device: number): void {
  sql.run('UPDATE devices SET newest = NULL, owner = NULL, role = NULL, not_after = NULL WHERE device = ?', device)
  const newest = sql.get<{ ordinal: number }>(
    `SELECT ordinal FROM certificates WHERE device = ? AND state IN ('issued', 'pinned') ORDER BY ordinal DESC LIMIT 1`,
    device,
  )
  if (newest !== undefined) {
    offerNewest(sql, newest.ordinal)
    return
  }
  // An epoch above 0 says that the device was revoked: that is not forgotten.
  sql.run(
    `DELETE FROM devices WHERE device = ? AND epoch = 0
     AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.device = devices.device)`,
    device,
  )
}
