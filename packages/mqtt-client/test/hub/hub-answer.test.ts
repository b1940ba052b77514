import { isPkiError } from '@fleetcert/x509'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHubUrl } from '../../src/hub/hub-address.ts'
import {
  parseJson,
  readConfirmation,
  readCredentialAnswer,
  readHubError,
  readRenewalInfo,
} from '../../src/hub/hub-answer.ts'
import { boundedSeconds, retryAfterSeconds } from '../../src/hub/retry-after.ts'

describe('Retry-After', () => {
  const now = new Date('2030-01-01T00:00:00Z')
  test.each([
    ['0', 0],
    ['120', 120],
    [' 7 ', 7],
    ['99999999', 86_400],
    ['Tue, 01 Jan 2030 00:01:00 GMT', 60],
    ['Mon, 31 Dec 2029 00:00:00 GMT', 0],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 86_400],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['2030-01-01T00:01:00Z', undefined],
    ['Tue, 99 Jan 2030 00:01:00 GMT', undefined],
    [undefined, undefined],
    [['1'], undefined],
  ])('%j is %j', (value, seconds) => {
    expect(retryAfterSeconds(value, now)).toBe(seconds)
  })

  test.each([
    [5, 5],
    [1e9, 86_400],
    [-1, undefined],
    [Number.NaN, undefined],
    ['5', undefined],
  ])('as JSON %j is %j', (value, seconds) => {
    expect(boundedSeconds(value)).toBe(seconds)
  })
})

describe('answers', () => {
  const window = { start: '2030-01-01T00:00:00Z', end: '2030-01-02T00:00:00.000Z' }
  const good = { suggestedWindow: window, fingerprint: 'AA', trustAnchors: '' }

  test('a renewal info', () => {
    expect(readRenewalInfo(good)).toEqual({
      window: { start: new Date(window.start), end: new Date(window.end) },
      fingerprint: 'AA',
      trustAnchors: '',
    })
  })

  test.each([
    undefined,
    null,
    [],
    'x',
    {},
    { ...good, suggestedWindow: undefined },
    { ...good, fingerprint: 7 },
    { ...good, suggestedWindow: { ...window, end: '2029-01-01T00:00:00Z' } },
    { ...good, suggestedWindow: { ...window, start: 'yesterday' } },
    { ...good, suggestedWindow: { ...window, start: 1 } },
    { ...good, suggestedWindow: { ...window, start: '2030-13-41T00:00:00Z' } },
  ])('%j is no renewal info', json => {
    expect(() => readRenewalInfo(json)).toThrow(expect.objectContaining({ code: 'ERR_PKI_HUB_ANSWER' }))
  })

  test.each([undefined, {}, { superseded: -1 }, { superseded: 0.5 }, { superseded: '1' }])(
    '%j is no confirmation',
    json => {
      expect(() => readConfirmation(json)).toThrow(expect.objectContaining({ code: 'ERR_PKI_HUB_ANSWER' }))
    },
  )

  test('whatever JSON comes, a reader answers or throws a PkiError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), text => {
        for (const read of [readRenewalInfo, readConfirmation, readCredentialAnswer, readHubError]) {
          try {
            read(parseJson(text))
          } catch (error) {
            expect(isPkiError(error, 'ERR_PKI_HUB_ANSWER')).toBe(true)
          }
        }
      }),
    )
  })

  test('of an error the code is taken when it is one, and the words in one line', () => {
    expect(readHubError({ error: { code: 'ERR_PKI_TOKEN', message: 'a\nb' } })).toEqual({
      code: 'ERR_PKI_TOKEN',
      reason: 'a b',
    })
    expect(readHubError({ error: { code: 'rm -rf', message: 7 } })).toEqual({})
    for (const json of [undefined, null, 7, { error: null }, { error: 'x' }]) expect(readHubError(json)).toEqual({})
  })
})

describe('the address of a hub', () => {
  test.each([
    ['https://hub.example', { host: 'hub.example', port: 443, basePath: '' }],
    ['https://hub.example:8443/pki/', { host: 'hub.example', port: 8443, basePath: '/pki' }],
    ['https://[::1]:8443', { host: '::1', port: 8443, basePath: '' }],
  ])('%s', (url, address) => {
    expect(parseHubUrl(url)).toEqual(address)
  })

  test.each([
    'http://hub.example',
    'https://u@hub.example',
    'https://hub.example?x',
    'https://hub.example#x',
    'hub.example',
  ])('%s is a TypeError', url => {
    expect(() => parseHubUrl(url)).toThrow(TypeError)
  })
})
