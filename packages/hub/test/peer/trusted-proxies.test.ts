import { expect, test } from 'vitest'
import { trustedProxies } from '../../src/peer/trusted-proxies.ts'

test.each<[string[], string | undefined, boolean]>([
  [[], '127.0.0.1', false],
  [['127.0.0.1'], '127.0.0.1', true],
  [['127.0.0.1'], '::ffff:127.0.0.1', true],
  [['127.0.0.1'], '127.0.0.2', false],
  [['127.0.0.1'], '::1', false],
  [['10.1.0.0/16'], '10.1.255.255', true],
  [['10.1.0.0/16'], '::ffff:10.1.2.3', true],
  [['10.1.0.0/16'], '10.2.0.0', false],
  [['fd00::/8'], 'fd12::1', true],
  [['fd00::/8'], 'fe80::1', false],
  [['fe80::1'], 'fe80::1%eth0', true],
  [['127.0.0.1'], undefined, false],
  [['127.0.0.1'], '', false],
  [['127.0.0.1'], 'localhost', false],
  [['127.0.0.1'], '127.0.0.1, 10.0.0.1', false],
])('%j: %s is %s', (entries, address, isProxy) => {
  expect(trustedProxies('x', entries)(address)).toBe(isProxy)
})

test.each<[unknown]>([
  [['localhost']],
  [['1.2.3']],
  [['10.0.0.0/33']],
  [['::/129']],
  [['0.0.0.0/0']],
  [['::/0']],
  [['']],
  ['127.0.0.1'],
  [[1]],
])('%j is refused', entries => {
  expect(() => trustedProxies('x', entries as string[])).toThrow(TypeError)
})
