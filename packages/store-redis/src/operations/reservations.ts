import { hash } from 'node:crypto'
import type {
  CertificateId,
  CommitResult,
  Events,
  FleetEventInput,
  PinnedCertificate,
  RegisterResult,
  Reservation,
  ReserveResult,
} from '@fleetcert/core'
import { assertHash, idOctets } from '../arguments.ts'
import { encodeBody } from '../certificate-body.ts'
import { encodeEvents, eventPattern } from '../event.ts'
import { asBuffer, dateText } from '../octets.ts'
import { numberOf, textOf } from '../replies.ts'
import { abandonLapsed, abandonOne, extendHolder as extendHolderScript } from '../scripts/abandon.ts'
import { commit as commitScript } from '../scripts/commit.ts'
import { register as registerScript } from '../scripts/register.ts'
import { reserve as reserveScript } from '../scripts/reserve.ts'
import { supersede as supersedeScript } from '../scripts/supersede.ts'
import type { Server } from '../server.ts'
import { idsOf } from './revocations.ts'

/** How many reservations one script takes from their holders. */
const abandonedPerScript = 100

const longestInstance = 255

export async function reserve(server: Server, reservation: Reservation, events: Events): Promise<ReserveResult> {
  const { deviceId, expect, holder, tokenHash } = reservation
  if (expect === 'newDevice' && deviceId === undefined) throw new TypeError("expect 'newDevice' needs a deviceId")
  if (tokenHash !== undefined) assertHash(tokenHash, 'tokenHash')
  const renews = typeof expect === 'object' ? expect : undefined
  return textOf(
    await server.run(
      reserveScript,
      encodeBody(reservation),
      asBuffer(reservation.tbsCertificate),
      instanceOctets(holder.instance),
      dateText(holder.leaseUntil, 'leaseUntil'),
      typeof expect === 'object' ? 'supersedes' : expect,
      renews === undefined ? '' : asBuffer(renews.supersedes),
      renews === undefined ? '' : dateText(renews.at, 'at'),
      tokenHash === undefined ? '' : asBuffer(tokenHash),
      ...encodeEvents(events),
    ),
  ) as ReserveResult
}

export async function commit(
  server: Server,
  id: CertificateId,
  der: Uint8Array,
  events: Events,
): Promise<CommitResult> {
  const { issuer, serial } = idOctets(id)
  const fingerprint = hash('sha256', der, 'buffer')
  return textOf(
    await server.run(commitScript, issuer, serial, asBuffer(der), fingerprint, ...encodeEvents(events)),
  ) as CommitResult
}

export async function supersede(
  server: Server,
  id: CertificateId,
  at: Date,
  event: FleetEventInput,
): Promise<readonly CertificateId[]> {
  const { issuer, serial } = idOctets(id)
  return idsOf(await server.run(supersedeScript, issuer, serial, dateText(at, 'at'), ...eventPattern(event)))
}

/** `clock`: the store's own time in milliseconds, or '' for the server's. */
export async function abandon(
  server: Server,
  what: Date | (CertificateId & { readonly at: Date }),
  clock: () => string,
  isStopped: () => void,
): Promise<number> {
  if (!(what instanceof Date)) {
    const { issuer, serial } = idOctets(what)
    return numberOf(await server.run(abandonOne, issuer, serial, dateText(what.at, 'at')))
  }
  let total = 0
  for (;;) {
    const count = numberOf(
      await server.run(abandonLapsed, dateText(what, 'before'), clock(), String(abandonedPerScript)),
    )
    total += count
    if (count < abandonedPerScript) return total
    isStopped()
  }
}

export async function extendHolder(server: Server, instance: string, leaseUntil: Date): Promise<void> {
  await server.run(extendHolderScript, instanceOctets(instance), dateText(leaseUntil, 'leaseUntil'))
}

export async function register(server: Server, record: PinnedCertificate, events: Events): Promise<RegisterResult> {
  assertHash(record.fingerprint, 'fingerprint')
  return textOf(
    await server.run(
      registerScript,
      encodeBody(record),
      asBuffer(record.der),
      asBuffer(record.fingerprint),
      ...encodeEvents(events),
    ),
  ) as RegisterResult
}

function instanceOctets(instance: string): Buffer {
  const octets = Buffer.from(instance)
  if (octets.length > longestInstance) throw new RangeError('instance is too long')
  return octets
}
