import { randomBytes } from 'node:crypto'
import { type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { FleetEventInput } from '../../store/store.ts'
import type { FleetParts } from '../create-fleet.ts'
import { statusAt } from '../device-record.ts'
import type { Fleet } from '../fleet.ts'
import { isRenewable } from '../identify.ts'
import { asRecorded } from '../issuers/ended-certificates.ts'
import { checkedSchedule } from './checked-schedule.ts'
import { ownCertificate } from './own-certificate.ts'
import { decodeRenewalDocument, encodeRenewalDocument, renewalDocumentName } from './renewal-document.ts'
import type { RenewalSchedule, RenewalScheduleRequest } from './renewal-schedule.ts'
import { isScheduled, type RenewalWindow, renewalWindow } from './renewal-window.ts'

/** When a device should renew a certificate. */
export interface RenewalInfo {
  /** In which the device draws a moment by itself. */
  readonly window: RenewalWindow
  /** Why another one than usual, in the operator's words. */
  readonly reason?: string
}

const mostSchedules = 64

/** The part of a fleet that says when certificates are to be renewed. */
export type Renewals = Pick<Fleet, 'renewalInfo' | 'scheduleRenewals' | 'renewalSchedules' | 'withdrawRenewals'>

interface Schedules {
  readonly version: number
  readonly list: readonly RenewalSchedule[]
}

export function createRenewals({ store, clock, issuers }: Pick<FleetParts, 'store' | 'clock' | 'issuers'>): Renewals {
  // Read at each question, for another process may have changed it; decoded when it has.
  let decoded: Schedules = { version: 0, list: [] }
  const read = async (options?: IoOptions): Promise<Schedules> => {
    const found = await store.document(renewalDocumentName, options)
    if (found === undefined) return { version: 0, list: [] }
    if (found.version !== decoded.version) {
      decoded = { version: found.version, list: decodeRenewalDocument(found.value) }
    }
    return decoded
  }

  /** Compare-and-swap until it is done. `undefined`: there is nothing to change. */
  const change = async (
    next: (list: readonly RenewalSchedule[]) => readonly RenewalSchedule[] | undefined,
    event: FleetEventInput,
    options?: IoOptions,
  ): Promise<boolean> => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const { version, list } = await read(options)
      const changed = next(list)
      if (changed === undefined) return false
      const value = encodeRenewalDocument(changed)
      if (await store.putDocument(renewalDocumentName, value, version, [event], options)) return true
    }
    throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'the schedules of renewals change all the time' })
  }

  return {
    async renewalInfo({ fingerprint }, options): Promise<RenewalInfo> {
      const octets = parseFingerprint(fingerprint)
      const now = await checkedNow(store, clock, options)
      const record = await ownCertificate(store, undefined, octets, options)
      const ending = issuers.current.endingOf(record.id.issuerKeyId)
      if (isRenewable(asRecorded(record), now, ending)) {
        const { revocationDate } = ending.revocation
        // Spread over the first half of the time that is left for it.
        const to = new Date((revocationDate.getTime() + ending.renewableUntil.getTime()) / 2)
        const window = renewalWindow(record, { from: revocationDate, to })
        return { window, reason: 'the CA that issued the certificate is revoked' }
      }
      const status = statusAt(record, now)
      if (status === 'revoked' || status === 'held' || status === 'superseded') {
        throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId: record.deviceId!, status })
      }
      const { list } = await read(options)
      // The operator's last word counts.
      const schedule = list.findLast(each => isScheduled(record, each))
      const window = renewalWindow(record, schedule)
      return schedule?.reason === undefined ? { window } : { window, reason: schedule.reason }
    },

    async scheduleRenewals(request: RenewalScheduleRequest, options): Promise<RenewalSchedule> {
      const createdAt = await checkedNow(store, clock, options)
      const id = randomBytes(12).toString('hex')
      const schedule: RenewalSchedule = { ...checkedSchedule(request, createdAt), id, createdAt }
      const event: FleetEventInput = { type: 'renewalsScheduled', at: createdAt, details: detailsOf(schedule) }
      await change(
        list => {
          // It was put, and the answer got lost.
          if (list.some(other => other.id === id)) return undefined
          if (list.length >= mostSchedules) throw new PkiError('ERR_PKI_RENEWAL_SCHEDULES', { limit: mostSchedules })
          return [...list, schedule]
        },
        event,
        options,
      )
      return schedule
    },

    async renewalSchedules(options): Promise<readonly RenewalSchedule[]> {
      // The caller's own: what is kept decides about windows.
      return structuredClone((await read(options)).list)
    },

    async withdrawRenewals(id: string, options): Promise<boolean> {
      if (typeof id !== 'string') throw new TypeError('id: expected the id of a schedule')
      const event: FleetEventInput = { type: 'renewalsWithdrawn', at: clock(), details: { schedule: id } }
      const without = (list: readonly RenewalSchedule[]) =>
        list.some(each => each.id === id) ? list.filter(each => each.id !== id) : undefined
      return change(without, event, options)
    },
  }
}

/** Flat: of a list of devices, how many. */
function detailsOf(schedule: RenewalSchedule): NonNullable<FleetEventInput['details']> {
  const { id, from, to, issuedBefore, owner, profile, issuerKeyId, deviceIds, reason } = schedule
  return {
    schedule: id,
    from: from.toISOString(),
    to: to.toISOString(),
    issuedBefore: issuedBefore.toISOString(),
    ...(owner !== undefined && { owner }),
    ...(profile !== undefined && { profile }),
    ...(issuerKeyId !== undefined && { issuerKeyId }),
    ...(deviceIds !== undefined && { devices: deviceIds.length }),
    ...(reason !== undefined && { reason }),
  }
}
