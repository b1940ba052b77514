import type { CrlScope, Events, FleetEventInput, Revocation, RevokedEntry, Store } from '@fleetcert/core'

/** A store that keeps every promise but one. Each fault is a mistake that an author of a store may make. */
export type Fault = (store: Store) => Partial<Store>

const forever = new Date(8.64e15)
const key = (scope: CrlScope): string => `${scope.issuerKeyId}.${scope.shard}`

/** Appends events on their own, as a store does that forgets whether anything changed. */
async function append(store: Store, events: Events): Promise<void> {
  await store.putDocument(`events-${Math.random()}`, new Uint8Array(1), 0, events)
}

export const faults: Readonly<Record<string, Fault>> = {
  'reserve takes a serial number twice': store => ({
    async reserve(...args) {
      const result = await store.reserve(...args)
      return result === 'serialTaken' ? 'reserved' : result
    },
  }),
  'reserve does not know its own reservation again': store => {
    const seen = new Set<string>()
    return {
      async reserve(reservation, ...args) {
        const again = seen.has(reservation.id.serialNumber)
        seen.add(reservation.id.serialNumber)
        return again ? 'serialTaken' : store.reserve(reservation, ...args)
      },
    }
  },
  'reserve does not look at other reservations': store => ({
    async reserve(reservation, ...args) {
      await store.abandon(forever)
      return store.reserve(reservation, ...args)
    },
  }),
  'reserve does not look at certificates': store => ({
    async reserve(reservation, ...args) {
      const result = await store.reserve(reservation, ...args)
      if (result !== 'expectationFailed' || reservation.expect !== 'newDevice') return result
      return store.reserve({ ...reservation, expect: 'any' }, ...args)
    },
  }),
  'reserve takes a held certificate for gone': store => ({
    async reserve(reservation, ...args) {
      const result = await store.reserve(reservation, ...args)
      if (result !== 'expectationFailed') return result
      const { items } = await store.certificates({ list: 'device', deviceId: reservation.deviceId! }, { limit: 9 })
      const held = items.some(record => record.revocation?.reason === 'certificateHold')
      return held ? store.reserve({ ...reservation, expect: 'any' }, ...args) : result
    },
  }),
  'reserve renews what is revoked': store => ({
    async reserve(reservation, ...args) {
      const result = await store.reserve(reservation, ...args)
      if (result !== 'deviceClosed' || typeof reservation.expect === 'string') return result
      return store.reserve({ ...reservation, expect: 'any' }, ...args)
    },
  }),
  'reserve forgets to supersede': store => ({
    reserve: (reservation, ...args) =>
      store.reserve({ ...reservation, expect: reservation.expect === 'newDevice' ? 'newDevice' : 'any' }, ...args),
  }),
  'reserve leaves blocked keys alone': store => {
    let count = 0
    return {
      async reserve(reservation, ...args) {
        const result = await store.reserve(reservation, ...args)
        if (result !== 'keyBlocked') return result
        count += 1
        return store.reserve({ ...reservation, publicKeyHash: new Uint8Array(32).fill(count) }, ...args)
      },
    }
  },
  'tokens are not spent': store => ({
    async reserve(reservation, ...args) {
      const result = await store.reserve(reservation, ...args)
      const { tokenHash: _, ...withoutToken } = reservation
      return result === 'tokenSpent' ? store.reserve(withoutToken, ...args) : result
    },
  }),
  'tokens are burnt by a reservation that came to nothing': store => {
    const spent = new Set<string>()
    return {
      async reserve(reservation, ...args) {
        const hash = reservation.tokenHash && Buffer.from(reservation.tokenHash).toString('hex')
        const known = (await store.certificate(reservation.id)) !== undefined
        if (!known && hash !== undefined && spent.has(hash)) return 'tokenSpent'
        const result = await store.reserve(reservation, ...args)
        if (result === 'reserved' && hash !== undefined) spent.add(hash)
        return result
      },
    }
  },
  'tokens are taken from a reservation that may still be committed': store => ({
    async reserve(reservation, ...args) {
      const result = await store.reserve(reservation, ...args)
      if (result !== 'tokenSpent' || reservation.tokenHash === undefined) return result
      const spender = (await store.token(reservation.tokenHash))?.spentBy
      const isOpen = spender !== undefined && (await store.certificate(spender))?.state === 'reserved'
      const { tokenHash: _, ...withoutToken } = reservation
      return isOpen ? store.reserve(withoutToken, ...args) : result
    },
  }),
  'tokens forget what they grant': store => ({
    async token(...args) {
      const token = await store.token(...args)
      if (token === undefined) return undefined
      const { profile: _, owner: __, ...rest } = token
      return rest
    },
  }),
  'tokens do not tell what spent them': store => ({
    async token(...args) {
      const token = await store.token(...args)
      if (token === undefined) return undefined
      const { spentBy: _, ...rest } = token
      return rest
    },
  }),
  'addToken appends its event again': store => ({
    async addToken(token, events, io) {
      const known = await store.token(token.hash)
      await store.addToken(token, events, io)
      if (known !== undefined) await append(store, events)
    },
  }),
  'supersede ends nothing': () => ({ supersede: async () => [] }),
  'supersede tells what it ended, and the ledger nothing': store => ({
    async ledger(request, io) {
      const page = await store.ledger(request, io)
      return { ...page, items: page.items.filter(({ type }) => type !== 'superseded') }
    },
  }),
  'supersede has one event for all': store => ({
    async supersede(id, at, event, io) {
      const ids = await store.supersede(id, at, event, io)
      if (ids.length > 1) await append(store, [event])
      return ids
    },
  }),
  'supersede believes what is revoked': store => ({
    async supersede(id, at, event, io) {
      const record = await store.certificate(id)
      if (record?.revocation === undefined || record.deviceId === undefined) return store.supersede(id, at, event, io)
      const { items } = await store.certificates({ list: 'device', deviceId: record.deviceId }, { limit: 100 })
      return items.filter(item => item.supersededAt !== undefined).map(item => item.id)
    },
  }),
  'supersede moves an end back': store => {
    const moved = new Map<string, Date>()
    return {
      async supersede(id, at, event, io) {
        const ids = await store.supersede(id, at, event, io)
        for (const one of ids) moved.set(one.serialNumber, at)
        if (ids.length === 0) for (const serialNumber of moved.keys()) moved.set(serialNumber, at)
        return ids
      },
      async certificate(key, io) {
        const record = await store.certificate(key, io)
        const supersededAt = record && moved.get(record.id.serialNumber)
        return record && supersededAt ? { ...record, supersededAt } : record
      },
    }
  },
  'supersede leaves held certificates alone': store => ({
    async supersede(id, at, event, io) {
      const { deviceId } = (await store.certificate(id)) ?? {}
      if (deviceId === undefined) return store.supersede(id, at, event, io)
      const { items } = await store.certificates({ list: 'device', deviceId }, { limit: 100 })
      return items.some(item => item.revocation?.reason === 'certificateHold') ? [] : store.supersede(id, at, event, io)
    },
  }),
  'what was renewed is never renewed again': store => {
    const renewed = new Set<string>()
    const names = new Map<string, string>()
    return {
      async reserve(reservation, ...args) {
        if (typeof reservation.expect === 'string') return store.reserve(reservation, ...args)
        const old = Buffer.from(reservation.expect.supersedes).toString('hex')
        names.set(reservation.id.serialNumber, old)
        const result = await store.reserve(reservation, ...args)
        return result === 'reserved' && renewed.has(old) ? 'expectationFailed' : result
      },
      async commit(id, ...args) {
        const result = await store.commit(id, ...args)
        const old = names.get(id.serialNumber)
        if (result === 'committed' && old !== undefined) renewed.add(old)
        return result
      },
    }
  },
  'tokens outlive the revocation of their device': store => ({
    async reserve(reservation, ...args) {
      const result = await store.reserve(reservation, ...args)
      const { tokenHash, ...withoutToken } = reservation
      return result === 'deviceClosed' && tokenHash ? store.reserve(withoutToken, ...args) : result
    },
  }),
  'commit does not look at the epoch': store => {
    const released = new Set<string>()
    return {
      async release(id, ...args) {
        const done = await store.release(id, ...args)
        if (done) released.add(id.serialNumber)
        return done
      },
      async commit(id, ...args) {
        const result = await store.commit(id, ...args)
        return result === 'lost' && released.has(id.serialNumber) ? 'committed' : result
      },
    }
  },
  'commit takes an abandoned reservation': store => ({
    async commit(id, ...args) {
      const abandoned = (await store.certificate(id))?.state === 'abandoned'
      const result = await store.commit(id, ...args)
      return abandoned ? 'committed' : result
    },
  }),
  'commit appends its event again': store => ({
    async commit(id, der, events, io) {
      const again = (await store.certificate(id))?.state === 'issued'
      const result = await store.commit(id, der, events, io)
      if (again) await append(store, events)
      return result
    },
  }),
  'revokeDevice forgets reservations': store => ({
    async revokeDevice(deviceId, revocation, event, io) {
      const { items } = await store.certificates({ list: 'device', deviceId }, { limit: 1000 })
      const ids = []
      for (const { id, state } of items) {
        if (state === 'reserved') continue
        const events = [{ ...event, certificate: id }]
        if ((await store.revoke(id, revocation, events, io))?.created) ids.push(id)
      }
      return ids
    },
  }),
  'events are dropped': store => ({
    commit: (id, der, _, io) => store.commit(id, der, [], io),
  }),
  'events of refused changes are appended': store => ({
    async reserve(reservation, events, io) {
      const result = await store.reserve(reservation, events, io)
      if (result !== 'reserved') await append(store, events)
      return result
    },
  }),
  'events of one revocation stand for all': store => ({
    async revokeDevice(deviceId, revocation, event, io) {
      const silent: FleetEventInput[] = []
      const ids = []
      for (const { id } of (await store.certificates({ list: 'device', deviceId }, { limit: 1000 })).items) {
        if ((await store.revoke(id, revocation, silent, io))?.created) ids.push(id)
      }
      if (ids.length > 0) await append(store, [event])
      return ids
    },
  }),
  'the last revocation wins': store => {
    const revocations = new Map<string, Revocation>()
    return {
      async revoke(id, revocation, ...args) {
        const answer = await store.revoke(id, revocation, ...args)
        if (answer) revocations.set(id.serialNumber, revocation)
        return answer && { ...answer, revocation }
      },
      async certificate(...args) {
        const record = await store.certificate(...args)
        const revocation = record && revocations.get(record.id.serialNumber)
        return record && revocation ? { ...record, revocation } : record
      },
    }
  },
  'a hold stays a hold': store => ({
    async revoke(id, revocation, ...args) {
      const current = (await store.certificate(id))?.revocation
      return current ? { revocation: current, created: false } : store.revoke(id, revocation, ...args)
    },
  }),
  'revokeAll stops at the first that is revoked': store => ({
    async revokeAll(query, revocation, event, page, io) {
      const { items } = await store.certificates(query, page, io)
      const answer = await store.revokeAll(query, revocation, event, page, io)
      if (!items.some(record => record.revocation !== undefined)) return answer
      const { next: _, ...rest } = answer
      return rest
    },
  }),
  'revokeAll leaves reservations alone': store => ({
    async revokeAll(query, revocation, event, page, io) {
      const { items, ...rest } = await store.certificates(query, page, io)
      const ended = []
      for (const { id, state, deviceId } of items) {
        if (state === 'reserved') continue
        const events = [{ ...event, certificate: id }]
        if (!(await store.revoke(id, revocation, events, io))?.created) continue
        ended.push({ id, ...(deviceId === undefined ? {} : { deviceId }) })
      }
      return { items: ended, ...rest }
    },
  }),
  'revokeAll leaves devices open': store => ({
    async revokeAll(query, revocation, event, page, io) {
      const { items, ...rest } = await store.certificates(query, page, io)
      const ended = []
      for (const { id, role, deviceId, fingerprint } of items) {
        if (role === 'root' || role === 'issuingCa') continue
        const names = { certificate: id, ...(deviceId === undefined ? {} : { deviceId }) }
        const text = fingerprint && Buffer.from(fingerprint).toString('hex').toUpperCase().match(/../g)!.join(':')
        const { fingerprint: _, ...own } = event
        const events = [{ ...own, ...names, ...(text === undefined ? {} : { fingerprint: text }) }]
        if (!(await store.revoke(id, revocation, events, io))?.created) continue
        ended.push({ id, ...(deviceId === undefined ? {} : { deviceId }) })
      }
      return { items: ended, ...rest }
    },
  }),
  'revokeAll begins anew on each page': store => ({
    revokeAll: (query, revocation, event, page, io) =>
      store.revokeAll(query, revocation, event, { limit: (page.after === undefined ? 1 : 1000) * page.limit }, io),
  }),
  'revokeAll takes any cursor': store => ({
    revokeAll: (query, revocation, event, page, io) =>
      store.revokeAll(query, revocation, event, page, io).catch(error => {
        if (error.code !== 'ERR_PKI_CURSOR') throw error
        return { items: [] }
      }),
  }),
  'revokeAll knows no limit': store => ({
    revokeAll: (query, revocation, event, page, io) =>
      store.revokeAll(query, revocation, event, { ...page, limit: Math.max(page.limit, 1000) }, io),
  }),
  'revokeAll has one event for all': store => ({
    async revokeAll(query, revocation, event, page, io) {
      const { items, ...rest } = await store.certificates(query, page, io)
      const ended = []
      for (const { id, deviceId } of items) {
        if (!(await store.revoke(id, revocation, [], io))?.created) continue
        ended.push({ id, ...(deviceId === undefined ? {} : { deviceId }) })
      }
      if (ended.length > 0) await append(store, [event])
      return { items: ended, ...rest }
    },
  }),
  'revokeAll ends the CAs of the fleet': store => ({
    async revokeAll(query, revocation, event, page, io) {
      for (const { id, role } of (await store.certificates(query, page, io)).items) {
        if (role === 'root') await store.revoke(id, revocation, [], io)
      }
      return store.revokeAll(query, revocation, event, page, io)
    },
  }),
  'listings by key find the first alone': store => ({
    async certificates(query, page, io) {
      const answer = await store.certificates(query, page, io)
      return query.list === 'key' ? { items: answer.items.slice(0, 1) } : answer
    },
  }),
  'listings by attribute look at values alone': store => ({
    async certificates(query, page, io) {
      if (query.list !== 'attribute') return store.certificates(query, page, io)
      const { items, ...rest } = await store.certificates(query, page, io)
      const site = await store.certificates({ ...query, name: 'batc' }, { limit: 10 }, io)
      return { items: [...items, ...site.items].slice(0, page.limit), ...rest }
    },
  }),
  'blockKey knows only keys of certificates': store => ({
    async blockKey(publicKeyHash, events, io) {
      const { items } = await store.certificates({ list: 'key', publicKeyHash }, { limit: 1 }, io)
      return items.length > 0 && store.blockKey(publicKeyHash, events, io)
    },
  }),
  'blockKey appends its event again': store => ({
    async blockKey(publicKeyHash, events, io) {
      const blocked = await store.blockKey(publicKeyHash, events, io)
      if (!blocked) await append(store, events)
      return blocked
    },
  }),
  'blockKey revokes': store => ({
    async blockKey(publicKeyHash, events, io) {
      const revocation = { revocationDate: new Date(0), reason: 'keyCompromise' } as const
      const blocked = await store.blockKey(publicKeyHash, events, io)
      for (const { id } of (await store.certificates({ list: 'key', publicKeyHash }, { limit: 9 }, io)).items) {
        await store.revoke(id, revocation, [], io)
      }
      return blocked
    },
  }),
  'the status knows of no reservation': store => ({
    async certificateStatus(...args) {
      const status = await store.certificateStatus(...args)
      return status?.state === 'reserved' || status?.state === 'abandoned' ? undefined : status
    },
  }),
  'the status forgets that a hold is one': store => ({
    async certificateStatus(...args) {
      const status = await store.certificateStatus(...args)
      return status?.revocation?.reason === 'certificateHold' ? { state: status.state } : status
    },
  }),
  'release says yes to everything': store => ({
    async release(...args) {
      await store.release(...args)
      return true
    },
  }),
  'revoked pages overlap': store => ({
    async revoked(scope, page, io) {
      const answer = await store.revoked(scope, page, io)
      if (page.after === undefined || answer.items.length === 0) return answer
      return { ...answer, items: [answer.items[0] as RevokedEntry, ...answer.items].slice(0, page.limit) }
    },
  }),
  'revoked mixes shards': store => ({
    revoked: (scope, page, io) => store.revoked({ ...scope, shard: 0 }, page, io),
  }),
  'CRL entries mix shards': store => ({
    crlEntries: (scope, ...args) => store.crlEntries({ ...scope, shard: 0 }, ...args),
  }),
  'changes omit what was released': store => ({
    async crlEntries(scope, query, ...args) {
      const page = await store.crlEntries(scope, query, ...args)
      if (query.changedSince === undefined) return page
      const hex = Buffer.from(page.changes).toString('hex')
      // Entries of two-octet lengths, a serial number of ours, a date, and the reason removeFromCRL.
      return {
        ...page,
        changes: Buffer.from(hex.replace(/30\w\w0210\w{32}170d\w{26}300c?300a0603551d1504030a0108/g, ''), 'hex'),
      }
    },
  }),
  'CRL entries forget what expired before any CRL showed it': store => ({
    async crlEntries(scope, { without, ...query }, ...args) {
      if (without === undefined) return store.crlEntries(scope, query, ...args)
      const { position } = await store.crlState(scope)
      return store.crlEntries(scope, { ...query, without: { ...without, unchangedSince: position } }, ...args)
    },
  }),
  'a release does not move the position': store => {
    const moved = new Map<string, number>()
    return {
      async release(id, ...args) {
        const done = await store.release(id, ...args)
        if (done) moved.set(id.issuerKeyId, (moved.get(id.issuerKeyId) ?? 0) + 1)
        return done
      },
      async crlState(scope, io) {
        const state = await store.crlState(scope, io)
        return { ...state, position: String(Number(state.position) - (moved.get(scope.issuerKeyId) ?? 0)) }
      },
    }
  },
  'the delta CRL takes the place of the full one': store => ({
    putCrl: (name, ...args) => store.putCrl({ issuerKeyId: name.issuerKeyId, shard: name.shard }, ...args),
    crl: (name, io) => store.crl({ issuerKeyId: name.issuerKeyId, shard: name.shard }, io),
  }),
  'the note of a CRL is lost': store => ({
    async crlState(scope, io) {
      const state = await store.crlState(scope, io)
      if (state.full === undefined) return state
      const { note: _, ...full } = state.full
      return { ...state, full }
    },
  }),
  'CRL numbers repeat': store => {
    const last = new Map<string, bigint>()
    return {
      async nextCrlNumber(scope, io) {
        const current = last.get(key(scope))
        last.delete(key(scope))
        if (current !== undefined) return current
        const next = await store.nextCrlNumber(scope, io)
        last.set(key(scope), next)
        return next
      },
    }
  },
  'CRL numbers are per issuer': store => ({
    nextCrlNumber: (scope, io) => store.nextCrlNumber({ ...scope, shard: 0 }, io),
  }),
  'crl gives out what the store itself keeps': store => {
    let kept: Awaited<ReturnType<Store['crl']>>
    return {
      async crl(...args) {
        const read = await store.crl(...args)
        if (kept?.crlNumber !== read?.crlNumber) kept = read
        return read && kept
      },
    }
  },
  'an older CRL replaces a newer one': store => {
    const overlay = new Map<string, Parameters<Store['putCrl']>[1]>()
    return {
      async putCrl(scope, crl, ...args) {
        await store.putCrl(scope, crl, ...args)
        overlay.set(key(scope), crl)
        return true
      },
      crl: async (scope, io) => overlay.get(key(scope)) ?? store.crl(scope, io),
    }
  },
  'documents are put without comparing': store => ({
    async putDocument(name, value, expectedVersion, events, options) {
      if (await store.putDocument(name, value, expectedVersion, events, options)) return true
      const version = (await store.document(name))?.version ?? 0
      return store.putDocument(name, value, version, events, options)
    },
  }),
  'writes under a stale lease are taken': store => ({
    putDocument: (name, value, version, events) => store.putDocument(name, value, version, events),
  }),
  'a fence is used twice': store => ({
    async lease(...args) {
      const lease = await store.lease(...args)
      return lease && { ...lease, fence: 1 }
    },
  }),
  'abandon does not look at leases': store => ({
    abandon: (_, io) => store.abandon(forever, io),
  }),
  'extendHolder does nothing': () => ({ extendHolder: async () => {} }),
  'register takes a certificate for two devices': store => ({
    async register(...args) {
      await store.register(...args)
      return 'registered'
    },
  }),
  'the ledger skips an event between pages': store => ({
    async ledger(request, io) {
      const page = await store.ledger(request, io)
      const skipped = await store.ledger({ after: page.next, limit: 1 }, io)
      return page.items.length === request.limit ? { ...page, next: skipped.next } : page
    },
  }),
  'any cursor will do': store => ({
    ledger: (request, io) => store.ledger(request, io).catch(async () => ({ items: [], next: request.after })),
  }),
  'details become strings': store => ({
    async ledger(request, io) {
      const page = await store.ledger(request, io)
      const items = page.items.map(event =>
        event.details
          ? { ...event, details: Object.fromEntries(Object.entries(event.details).map(([k, v]) => [k, String(v)])) }
          : event,
      )
      return { ...page, items }
    },
  }),
  'prune knows no limit': store => ({
    prune: (marks, _, io) => store.prune(marks, 1_000_000, io),
  }),
  'prune forgets the newest entry': store => {
    let pruned = false
    return {
      async prune(marks, limit, io) {
        pruned ||= marks.ledgerBefore !== undefined
        return store.prune(marks, limit, io)
      },
      newestEventAt: async io => (pruned ? undefined : store.newestEventAt(io)),
    }
  },
  'listings show reservations as devices': store => ({
    async certificates(query, page, io) {
      const answer = await store.certificates(query, page, io)
      if (query.list !== 'devices') return answer
      const { items } = await store.certificates({ list: 'reserved' }, { limit: 1 }, io)
      return page.after === undefined ? { ...answer, items: [...items, ...answer.items].slice(0, page.limit) } : answer
    },
  }),
  'a closed store answers': store => ({
    certificate: (id, io) =>
      store.certificate(id, io).catch(error => (error.code === 'ERR_PKI_CLOSED' ? undefined : Promise.reject(error))),
  }),
  'signals are not heard': store => ({
    revokeDevice: (deviceId, revocation, event) => store.revokeDevice(deviceId, revocation, event),
  }),
  'stored octets are shared': store => {
    const shared = new Map<string, Uint8Array>()
    return {
      async document(name, io) {
        const document = await store.document(name, io)
        if (document && !shared.has(name)) shared.set(name, document.value)
        return document && { ...document, value: shared.get(name)! }
      },
    }
  },
}

/** `store` with one fault. */
export function brokenStore(store: Store, fault: Fault): Store {
  const broken = fault(store)
  return new Proxy(store, {
    get(target, property) {
      const value = Reflect.get(property in broken ? broken : target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
