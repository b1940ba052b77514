import { checkNames, type KnownNames, PkiError } from '@fleetcert/x509'
import { checkIdentifier } from '../identifier.ts'
import type { RenewalSchedule, RenewalScheduleRequest } from './renewal-schedule.ts'

const mostDevices = 1000
const longestDays = 366
const keyId = /^[0-9a-f]{64}$/
// Printable, for it goes into logs of devices.
const printable = /^[^\p{C}]{1,200}$/u
const requestNames: KnownNames<RenewalScheduleRequest> = {
  from: true,
  to: true,
  owner: true,
  profile: true,
  issuerKeyId: true,
  issuedBefore: true,
  deviceIds: true,
  reason: true,
}

/**
 * Checks what an operator asks for; a copy, so that nobody changes it afterwards.
 * @throws PkiError `ERR_PKI_VALIDITY`, `ERR_PKI_DEVICE_ID`
 */
export function checkedSchedule(request: RenewalScheduleRequest, now: Date): Omit<RenewalSchedule, 'id' | 'createdAt'> {
  // A filter that was misspelt would be none.
  checkNames('scheduleRenewals', request, requestNames)
  const { owner, profile, issuerKeyId, deviceIds, reason } = request
  const from = checkedDate(request.from, 'from')
  const to = checkedDate(request.to, 'to')
  const issuedBefore = checkedDate(request.issuedBefore ?? now, 'issuedBefore')
  if (to <= from || to <= now) throw refused('to must be after from, and in the future')
  if (to.getTime() - now.getTime() > longestDays * 86_400_000) throw refused(`to must be within ${longestDays} days`)
  // What is made for a schedule would be renewed for it at once, over and over.
  if (issuedBefore > now) throw refused('issuedBefore must not be in the future')
  if (owner !== undefined) checkIdentifier(owner, 'owner')
  if (profile !== undefined && typeof profile !== 'string') throw new TypeError('profile: expected a string')
  if (issuerKeyId !== undefined && !keyId.test(issuerKeyId)) {
    throw new TypeError('issuerKeyId: expected 64 digits of lower-case hex')
  }
  if (reason !== undefined && (typeof reason !== 'string' || !printable.test(reason))) {
    throw new TypeError('reason: expected 1 to 200 printable characters')
  }
  return {
    from,
    to,
    issuedBefore,
    ...(owner !== undefined && { owner }),
    ...(profile !== undefined && { profile }),
    ...(issuerKeyId !== undefined && { issuerKeyId }),
    ...(deviceIds !== undefined && { deviceIds: checkedDeviceIds(deviceIds) }),
    ...(reason !== undefined && { reason }),
  }
}

function checkedDate(date: Date, label: string): Date {
  // JSON has years of four digits.
  if (!(date instanceof Date) || !(date.getTime() >= 0 && date.getTime() < Date.UTC(9999, 0))) {
    throw new TypeError(`${label}: expected a Date`)
  }
  return new Date(date)
}

function checkedDeviceIds(deviceIds: readonly string[]): readonly string[] {
  if (!Array.isArray(deviceIds) || deviceIds.length === 0 || deviceIds.length > mostDevices) {
    throw new RangeError(`deviceIds: expected 1 to ${mostDevices}`)
  }
  return deviceIds.map(deviceId => checkIdentifier(deviceId, 'deviceId'))
}

function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_VALIDITY', { reason })
}
