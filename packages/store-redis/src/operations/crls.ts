import { createHash, randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CrlName, CrlParts, CrlScope, CrlState, Events, Lease } from '@fleetcert/core'
import { assertCrl, scopeOctets } from '../arguments.ts'
import { decodeCrlHead, encodeCrlHead, type StoredCrlHead, toCrlHead } from '../crl-head.ts'
import { encodeEvents } from '../event.ts'
import { ownOctets, packNumber } from '../octets.ts'
import type { RedisArgument } from '../redis-client.ts'
import { isNothing, listOf, numberOf, octetsOf, textOf } from '../replies.ts'
import {
  crlParts as crlPartsScript,
  crlState as crlStateScript,
  nextCrlNumber as nextCrlNumberScript,
  putCrl as putCrlScript,
} from '../scripts/crls.ts'
import type { Server } from '../server.ts'
import { storeUnavailable } from '../store-errors.ts'

const partsPerScript = 4

/** How long an upload that nobody finishes is kept. */
const uploadSeconds = 600

export async function nextCrlNumber(server: Server, scope: CrlScope): Promise<bigint> {
  return BigInt(textOf(await server.run(nextCrlNumberScript, scopeOctets(scope))))
}

/**
 * Uploads the parts, then has one script put them in their place. What is uploaded and not put ends by itself.
 *
 * `isStopped` throws when the caller has given up.
 */
export async function putCrl(
  server: Server,
  name: CrlName,
  crl: CrlParts,
  lease: Lease | undefined,
  events: Events,
  isStopped: () => void,
): Promise<boolean> {
  assertCrl(crl)
  const scope = scopeOctets(name)
  const own: CrlParts = { ...crl, thisUpdate: new Date(crl.thisUpdate), nextUpdate: new Date(crl.nextUpdate) }
  const kept = encodeEvents(events)
  const upload = randomBytes(16)
  const digest = createHash('sha256')
  for (const [index, part] of crl.parts.entries()) {
    // Not in one turn: the list of a million certificates is some 40 MB.
    if (index > 0 && index % partsPerScript === 0) await nextTurn()
    const octets = Buffer.from(part)
    digest.update(packNumber(octets.length, 4)).update(octets)
    const key = `z:${Buffer.concat([upload, packNumber(index + 1, 4)]).toString('latin1')}`
    await server.command('SET', key, octets, 'EX', String(uploadSeconds))
    isStopped()
  }
  const octets = digest.digest()
  const result = numberOf(
    await server.run(
      putCrlScript,
      scope,
      kindOf(name),
      String(own.crlNumber),
      encodeCrlHead(own, crl.parts.length, octets, upload),
      octets,
      ...leaseArguments(lease),
      upload,
      String(crl.parts.length),
      ...kept,
    ),
  )
  if (result === 2) throw storeUnavailable('the parts of a CRL were sent too slowly')
  return result === 1
}

export async function crlState(server: Server, scope: CrlScope): Promise<CrlState> {
  const { position, full, delta } = await readState(server, scope)
  return { position, ...(full && { full: toCrlHead(full) }), ...(delta && { delta: toCrlHead(delta) }) }
}

/** Read without holding the event loop. */
export async function crl(server: Server, name: CrlName, isStopped: () => void): Promise<CrlParts | undefined> {
  for (;;) {
    const state = await readState(server, name)
    const head = kindOf(name) === 'd' ? state.delta : state.full
    if (head === undefined) return undefined
    const parts = await readParts(server, head, isStopped)
    // Else another one was put meanwhile: from the beginning.
    if (parts !== undefined) return { ...toCrlHead(head), parts }
  }
}

async function readParts(
  server: Server,
  { upload, count }: StoredCrlHead,
  isStopped: () => void,
): Promise<readonly Uint8Array[] | undefined> {
  const parts: Uint8Array[] = []
  while (parts.length < count) {
    const last = Math.min(parts.length + partsPerScript, count)
    const some = listOf(await server.read(crlPartsScript, upload, String(parts.length + 1), String(last)))
    if (some.length === 0) return undefined
    parts.push(...some.map(part => ownOctets(octetsOf(part))))
    isStopped()
  }
  return parts
}

async function readState(
  server: Server,
  scope: CrlScope,
): Promise<{ readonly position: string; readonly full?: StoredCrlHead; readonly delta?: StoredCrlHead }> {
  const [change, , full, delta] = listOf(await server.read(crlStateScript, scopeOctets(scope)))
  return {
    position: textOf(change),
    ...(!isNothing(full) && { full: decodeCrlHead(octetsOf(full)) }),
    ...(!isNothing(delta) && { delta: decodeCrlHead(octetsOf(delta)) }),
  }
}

/** The field of a scope that a CRL's head is in. */
export function kindOf({ delta = false }: CrlName): 'f' | 'd' {
  return delta ? 'd' : 'f'
}

/** A lease as scripts take it: its name, and its fence or ''. */
export function leaseArguments(lease: Lease | undefined): RedisArgument[] {
  return lease === undefined ? ['', ''] : [lease.name, String(lease.fence)]
}
