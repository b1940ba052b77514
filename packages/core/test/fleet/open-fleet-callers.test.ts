import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { expect, test } from 'vitest'

// What callers without TypeScript get wrong is named, before anything is opened or recorded.
test.each([
  ['options: expected', undefined],
  ['store: expected', {}],
  ['store: expected', { store: 'certs/fleet.db', keyring: memoryKeyring() }],
  ['store: expected', { store: memoryKeyring(), keyring: memoryStore() }],
  ['keyring: expected', { store: memoryStore() }],
  ['keyring: expected', { store: memoryStore(), keyring: 'certs' }],
  ['keyring: expected', { store: memoryStore(), keyring: memoryStore() }],
  ['keyring: expected', { store: memoryStore(), keyring: { root: memoryKeyring() } }],
  ['enforcers: expected', { store: memoryStore(), keyring: memoryKeyring(), enforcers: () => undefined }],
])('%s', async (message, options) => {
  const opening = openFleet(options as never)
  await expect(opening).rejects.toThrow(TypeError)
  await expect(opening).rejects.toThrow(message)
})

test('the hosts of a server are a list: a string is not one name for each letter', async () => {
  const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
  for (const request of [{ hosts: 'localhost' }, {}]) {
    await expect(fleet.issueServer(request as never)).rejects.toMatchObject({
      code: 'ERR_PKI_NAME',
      details: { reason: 'hosts: expected 1 to 100 DNS names or IP addresses' },
    })
  }
  await fleet.close()
})
