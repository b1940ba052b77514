import { describe, expect, test } from 'vitest'
import { createRouter, type Route } from '../../src/exchange/router.ts'

const route = (path: string): Route => ({ group: 'public', path, methods: {} })
const find = createRouter(['/a', '/a/*rest', '/a/fixed', '/b/:one', '/b/:one/two'].map(route))

describe('a path', () => {
  test.each([
    ['/a', '/a', {}],
    ['/a/fixed', '/a/fixed', {}],
    ['/a/', '/a/*rest', { rest: '' }],
    ['/a/x', '/a/*rest', { rest: 'x' }],
    ['/a//x/%2F/', '/a/*rest', { rest: '/x/%2F/' }],
    ['/a/fixed/', '/a/*rest', { rest: 'fixed/' }],
    ['/b/x', '/b/:one', { one: 'x' }],
    ['/b/%2F/two', '/b/:one/two', { one: '%2F' }],
  ] as const)('%s is found at %s', (path, at, parameters) => {
    expect(find(path)?.route.path).toBe(at)
    expect(find(path)?.parameters).toEqual(parameters)
  })

  test.each(['/', '', '/A', '/ab', '/A/x', '/b', '/b/', '/b//two', '/b/x/', '/b/x/two/', '//a', '/%61'])(
    '%s is none',
    path => {
      expect(find(path)).toBeUndefined()
    },
  )
})
