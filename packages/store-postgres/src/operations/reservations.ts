import type { CertificateId, Events, FleetEventInput, PinnedCertificate, Reservation } from '@fleetcert/core'
import { hashText, milliseconds, octetText, plainText } from '../arguments.ts'
import { encodeEvents, encodePattern } from '../event.ts'
import type { Change } from '../server.ts'
import { idFields, subjectFields } from './subject.ts'

export function reserve(reservation: Reservation, events: Events): Change {
  const { expect, holder, tokenHash } = reservation
  if (expect === 'newDevice' && reservation.deviceId === undefined) {
    throw new TypeError("expect 'newDevice' needs a deviceId")
  }
  return {
    do: 'reserve',
    ...subjectFields(reservation),
    tbsCertificate: octetText(reservation.tbsCertificate),
    instance: plainText(holder.instance, 'instance'),
    leaseUntil: milliseconds(holder.leaseUntil, 'leaseUntil'),
    ...(typeof expect === 'string'
      ? { expect }
      : {
          expect: 'supersedes',
          supersedes: octetText(expect.supersedes),
          supersedeAt: milliseconds(expect.at, 'at'),
        }),
    ...(tokenHash && { tokenHash: octetText(tokenHash) }),
    events: encodeEvents(events),
  }
}

export function commit(id: CertificateId, der: Uint8Array, events: Events): Change {
  return { do: 'commit', ...idFields(id), der: octetText(der), events: encodeEvents(events) }
}

export function supersede(id: CertificateId, at: Date, event: FleetEventInput): Change {
  return { do: 'supersede', ...idFields(id), at: milliseconds(at, 'at'), event: encodePattern(event) }
}

/** `now`: the store's own time, where it is not the server's. */
export function abandon(what: Date | (CertificateId & { readonly at: Date }), now: number | undefined): Change {
  if (what instanceof Date) {
    return { do: 'abandon', before: milliseconds(what, 'what'), ...(now !== undefined && { now }) }
  }
  return { do: 'abandon', ...idFields(what), at: milliseconds(what.at, 'at') }
}

export function extendHolder(instance: string, leaseUntil: Date): Change {
  return { do: 'extendHolder', instance, leaseUntil: milliseconds(leaseUntil, 'leaseUntil') }
}

export function register(record: PinnedCertificate, events: Events): Change {
  return {
    do: 'register',
    ...subjectFields(record),
    der: octetText(record.der),
    fingerprint: hashText(record.fingerprint, 'fingerprint'),
    events: encodeEvents(events),
  }
}
