import { type Fleet, PkiError } from '@fleetcert/core'
import { type Field, malformed, text } from '../../exchange/fields.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import { deviceId, owner } from './identifiers.ts'

type None = Record<never, never>
type Body = {
  readonly from: Date
  readonly to: Date
  readonly owner: string
  readonly profile: string
  readonly issuerKeyId: string
  readonly issuedBefore: Date
  readonly deviceIds: readonly string[]
  readonly reason: string
}

const mostDevices = 1000

/** `POST /api/devices/renewals`: hurries or spreads the renewal of many devices, from `from` (default: now) to `to`. */
export function scheduleRenewalsOperation(fleet: Fleet, clock: () => Date): Operation<None, None, Body> {
  return {
    path: noFields,
    query: noFields,
    body: { from: date, to: date, owner, profile: text, issuerKeyId: keyId, issuedBefore: date, deviceIds, reason },
    action: ({ owner }) => ({ type: 'scheduleRenewals', ...(owner === undefined ? {} : { owner }) }),
    async run({ from = clock(), to, ...filters }) {
      if (to === undefined) throw malformed('to: is needed')
      return jsonAnswer(201, await fleet.scheduleRenewals({ from, to, ...filters }))
    },
  }
}

/** `GET /api/devices/renewals`: in the order in which they were made. */
export function renewalSchedulesOperation(fleet: Fleet): Operation<None, None, None> {
  return {
    path: noFields,
    query: noFields,
    body: noFields,
    action: () => ({ type: 'scheduleRenewals' }),
    async run() {
      return jsonAnswer(200, { schedules: await fleet.renewalSchedules() })
    },
  }
}

/** `DELETE /api/devices/renewals/:schedule`. */
export function withdrawRenewalsOperation(fleet: Fleet): Operation<{ readonly schedule: string }, None, None> {
  return {
    path: { schedule: text },
    query: noFields,
    body: noFields,
    action: () => ({ type: 'scheduleRenewals' }),
    async run({ schedule }) {
      if (!(await fleet.withdrawRenewals(schedule))) throw new PkiError('ERR_PKI_NOT_FOUND', {})
      return jsonAnswer(200, { withdrawn: schedule })
    },
  }
}

/** RFC 3339, in UTC or with an offset. */
const date: Field<Date> = (value, name) => {
  const written = text(value, name)
  const isDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(written)
  const time = isDate ? Date.parse(written) : Number.NaN
  if (!(time >= 0)) throw malformed(`${name}: expected a date such as 2030-01-31T12:00:00Z`)
  return new Date(time)
}

const keyId: Field<string> = (value, name) => {
  const hex = text(value, name)
  if (!/^[0-9a-f]{64}$/.test(hex)) throw malformed(`${name}: expected 64 hexadecimal digits in lower case`)
  return hex
}

const deviceIds: Field<readonly string[]> = (value, name) => {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostDevices) {
    throw malformed(`${name}: expected 1 to ${mostDevices} device ids`)
  }
  return value.map(each => deviceId(each, name))
}

const reason: Field<string> = (value, name) => {
  const words = text(value, name)
  if (!/^[^\p{C}]{1,200}$/u.test(words)) throw malformed(`${name}: expected 1 to 200 printable characters`)
  return words
}
