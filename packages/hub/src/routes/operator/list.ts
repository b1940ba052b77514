import type { DeviceRecord, DeviceStatus, Fleet } from '@fleetcert/core'
import { digits, oneOf } from '../../exchange/fields.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import { deviceJson } from './device-json.ts'
import { deviceId, owner } from './identifiers.ts'

type Query = {
  readonly limit: number
  readonly after: string
  readonly owner: string
  readonly status: DeviceStatus
}

const statuses: readonly DeviceStatus[] = ['active', 'revoked', 'held', 'superseded', 'expired', 'notYetValid']

/** `GET /api/devices/certificates?limit=&after=&owner=&status=`: by device id; `next`, when there is more, is the next page's `after`. */
export function listOperation(fleet: Fleet): Operation<Record<never, never>, Query, Record<never, never>> {
  return {
    path: noFields,
    query: { limit: digits(1, 1000), after: deviceId, owner, status: oneOf(statuses) },
    body: noFields,
    action: ({ owner }) => ({ type: 'list', ...(owner === undefined ? {} : { owner }) }),
    async run({ limit = 100, ...query }) {
      const devices: DeviceRecord[] = []
      // One more than asked for shows whether there is a next page.
      for await (const device of fleet.devices({ ...query, limit: limit + 1 })) devices.push(device)
      const page = devices.slice(0, limit)
      const next = devices.length > limit ? page.at(-1)?.deviceId : undefined
      return jsonAnswer(200, { devices: page.map(deviceJson), ...(next === undefined ? {} : { next }) })
    },
  }
}
