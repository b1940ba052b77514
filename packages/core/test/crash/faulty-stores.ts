import { type CertificateId, type CertificateRecord, memoryStore, type Page, type Store } from '@fleetcert/core'
import { encodeRevokedEntries } from '@fleetcert/x509'
import { idKey } from './observations.ts'

/** A fault, and how the search must name it. */
export interface FaultyStore {
  readonly found: RegExp
  changes(store: Store): Partial<Store>
}

/** Memory stores that break one promise each, as a real store might: the search must find every one of them. A restart shows in `open`. */
export const faultyStores: Readonly<Record<string, FaultyStore>> = {
  'forgets the last commit in a power cut': {
    found: /returned and is not recorded as it was returned/,
    changes: store => {
      let last: CertificateId | undefined
      const lost = new Set<string>()
      return {
        ...hiding(store, lost),
        async open(io) {
          if (last !== undefined) lost.add(idKey(last))
          last = undefined
          await store.open(io)
        },
        commit(id, der, events, io) {
          last = id
          return store.commit(id, der, events, io)
        },
      }
    },
  },

  'forgets an unfinished reservation in a power cut': {
    found: /exactly these bytes are not on record/,
    changes: store => {
      const unfinished = new Map<string, CertificateId>()
      const lost = new Set<string>()
      return {
        ...hiding(store, lost),
        async open(io) {
          for (const key of unfinished.keys()) lost.add(key)
          unfinished.clear()
          await store.open(io)
        },
        reserve(reservation, events, io) {
          unfinished.set(idKey(reservation.id), reservation.id)
          return store.reserve(reservation, events, io)
        },
        commit(id, der, events, io) {
          unfinished.delete(idKey(id))
          return store.commit(id, der, events, io)
        },
      }
    },
  },

  'writes a reservation down only when it is committed': {
    found: /was signed before it was on record/,
    changes: store => {
      const held = new Map<string, () => Promise<unknown>>()
      return {
        async reserve(reservation, events, io) {
          held.set(idKey(reservation.id), () => store.reserve(reservation, events, io))
          return 'reserved'
        },
        async commit(id, der, events, io) {
          await held.get(idKey(id))?.()
          return store.commit(id, der, events, io)
        },
      }
    },
  },

  'ends what is renewed at once': {
    found: /was stranded: it has what is superseded|and nobody has confirmed a newer one/,
    changes: store => ({
      reserve: (reservation, events, io) =>
        store.reserve(
          typeof reservation.expect === 'object'
            ? { ...reservation, expect: { ...reservation.expect, at: reservation.createdAt } }
            : reservation,
          events,
          io,
        ),
    }),
  },

  'burns the token of a process that dies': {
    found: /its token was burnt for nothing/,
    changes: store => {
      const spent = new Map<string, string>()
      return {
        async reserve(reservation, events, io) {
          const hash = reservation.tokenHash && Buffer.from(reservation.tokenHash).toString('hex')
          const other = hash && spent.get(hash)
          if (other !== undefined && other !== idKey(reservation.id)) return 'tokenSpent'
          const result = await store.reserve(reservation, events, io)
          if (hash !== undefined && result === 'reserved') spent.set(hash, idKey(reservation.id))
          return result
        },
      }
    },
  },

  'gives a token to two': {
    found: /live certificates that nothing supersedes|was answered two certificates|events issued/,
    changes: store => ({
      reserve: ({ tokenHash, ...reservation }, events, io) =>
        store.reserve(tokenHash === undefined ? reservation : { ...reservation, expect: 'any' }, events, io),
    }),
  },

  'ends old certificates, and tells the ledger nothing': {
    found: /and nobody has confirmed a newer one/,
    changes: store => ({
      async ledger(request, io) {
        const page = await store.ledger(request, io)
        return { ...page, items: page.items.filter(({ type }) => type !== 'superseded') }
      },
    }),
  },

  'commits, and tells the ledger nothing': {
    found: /\(issued\) has 0 events issued\|renewed/,
    changes: store => ({
      commit: (id, der, _events, io) => store.commit(id, der, [], io),
    }),
  },

  'keeps other bytes than it was given': {
    found: /exactly these bytes are not on record|its event has another fingerprint/,
    changes: store => ({
      commit: (id, der, events, io) => store.commit(id, Uint8Array.from([...der.slice(0, -1), 0]), events, io),
    }),
  },

  'takes a revocation back when it is restarted': {
    found: /\) has 1 events revoked/,
    changes: store => {
      let isRestarted = false
      return {
        async open(io) {
          isRestarted = true
          await store.open(io)
        },
        async certificate(key, io) {
          const record = await store.certificate(key, io)
          if (record === undefined || !isRestarted) return record
          const { revocation: _, ...rest } = record
          return rest
        },
      }
    },
  },

  'revokes a device and overlooks what is being made': {
    found: /slipped through/,
    changes: store => ({
      async revokeDevice(deviceId, revocation, event, io) {
        const { items } = await store.certificates({ list: 'device', deviceId }, { limit: 100 }, io)
        const revoked: CertificateId[] = []
        for (const { id, state, fingerprint } of items) {
          if (state !== 'issued' || fingerprint === undefined) continue
          const result = await store.revoke(id, revocation, [{ ...event, certificate: id }], io)
          if (result?.created) revoked.push(id)
        }
        return revoked
      },
    }),
  },

  'knows one certificate of each key': {
    found: /has a key that was answered as compromised, and lives on/,
    changes: store => ({
      async certificates(query, page, io) {
        const answer = await store.certificates(query, page, io)
        return query.list === 'key' ? { items: answer.items.slice(0, 1) } : answer
      },
    }),
  },

  'ends a page and writes no events': {
    found: /\) has 0 events revoked/,
    changes: store => ({
      async revokeAll(query, revocation, event, page, io) {
        for (const { id } of (await store.certificates(query, page, io)).items) {
          await store.revoke(id, revocation, [], io)
        }
        return store.revokeAll(query, revocation, event, page, io)
      },
    }),
  },

  'omits what is abandoned from the CRL': {
    found: /CRL \d+ of \S+ does not list/,
    changes: store => ({
      async crlEntries(scope, query, page, io) {
        const { items } = await store.revoked(scope, { limit: 1000 }, io)
        const kept = []
        for (const item of items) {
          const record = await store.certificate(
            { issuerKeyId: scope.issuerKeyId, serialNumber: item.serialNumber },
            io,
          )
          if (record?.state === 'issued') kept.push(item)
        }
        return { ...(await store.crlEntries(scope, query, page, io)), entries: encodeRevokedEntries(kept) }
      },
    }),
  },

  'gives a CRL number out again after a restart': {
    // The check against the last CRL refuses to publish it.
    found: /is not up to date/,
    changes: store => {
      let next = 0n
      return {
        async open(io) {
          next = 0n
          await store.open(io)
        },
        async nextCrlNumber() {
          next += 1n
          return next
        },
      }
    },
  },

  'lets a reservation stand in the way for ever': {
    found: /cannot be enrolled, and nothing live stands in its way/,
    changes: store => ({
      abandon: async () => 0,
      async reserve(reservation, events, io) {
        const { deviceId } = reservation
        if (deviceId !== undefined) {
          const { items } = await store.certificates({ list: 'device', deviceId }, { limit: 100 }, io)
          if (items.some(({ state, revocation }) => state === 'reserved' && revocation === undefined)) {
            return 'expectationFailed'
          }
        }
        return store.reserve(reservation, events, io)
      },
    }),
  },

  'supersedes before it commits': {
    found: /\(issued\) has 0 events revoked|superseded by/,
    changes: store => ({
      async reserve(reservation, events, io) {
        const result = await store.reserve(reservation, events, io)
        const { expect, id } = reservation
        if (result !== 'reserved' || typeof expect !== 'object') return result
        const record = await store.certificate({ fingerprint: expect.supersedes }, io)
        const event = { type: 'revoked', at: reservation.createdAt, certificate: id } as const
        const revocation = { revocationDate: reservation.createdAt, reason: 'superseded' } as const
        await store.revoke(record!.id, revocation, [event], io)
        return result
      },
    }),
  },
}

/** A memory store with that fault, or none. */
export function faultyStore(fault: FaultyStore | undefined, clock: () => Date): Store {
  const store = memoryStore({ clock })
  return { ...store, ...fault?.changes(store) }
}

/** A store in which the rows of those ids, and their events, never were. */
function hiding(store: Store, lost: ReadonlySet<string>): Partial<Store> {
  const filtered = (page: Page<CertificateRecord>): Page<CertificateRecord> => ({
    ...page,
    items: page.items.filter(({ id }) => !lost.has(idKey(id))),
  })
  return {
    async certificate(key, io) {
      const record = await store.certificate(key, io)
      return record === undefined || lost.has(idKey(record.id)) ? undefined : record
    },
    certificates: async (query, page, io) => filtered(await store.certificates(query, page, io)),
    async ledger(request, io) {
      const page = await store.ledger(request, io)
      return { ...page, items: page.items.filter(e => e.certificate === undefined || !lost.has(idKey(e.certificate))) }
    },
  }
}
