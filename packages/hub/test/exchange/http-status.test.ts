import { readFileSync } from 'node:fs'
import { PkiError, type PkiErrorCode, pkiErrorSentences } from '@fleetcert/core'
import { expect, test } from 'vitest'
import { errorAnswer } from '../../src/exchange/error-answer.ts'
import { httpStatus } from '../../src/exchange/http-status.ts'

const codes = Object.keys(pkiErrorSentences) as PkiErrorCode[]

test('every code of the table has a status, and no other has', () => {
  expect(Object.keys(httpStatus).sort()).toEqual([...codes].sort())
  for (const status of Object.values(httpStatus))
    expect([400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503]).toContain(status)
})

test.each(codes)('%s answers JSON with a code of the table', code => {
  const answer = errorAnswer(new PkiError(code, { reason: 'secret-reason' } as never, { cause: new Error('stack') }))
  expect(answer.status).toBe(httpStatus[code])
  const { error, ...rest } = JSON.parse(answer.body as string)
  expect(rest).toEqual({})
  expect(Object.keys(error)).toEqual(['code', 'message'])
  expect(error.code).toBe(answer.status === 500 ? 'ERR_PKI_INTERNAL' : code)
  if (answer.status >= 500) expect(answer.body).not.toContain('secret-reason')
  expect(answer.headers['www-authenticate'] !== undefined).toBe(answer.status === 401)
  expect(answer.headers['retry-after'] !== undefined).toBe(answer.status === 429 || answer.status === 503)
})

test('anything else that is thrown is ERR_PKI_INTERNAL', () => {
  for (const thrown of [new Error('x'), 'x', undefined, null, { code: 'ERR_PKI_METHOD' }]) {
    const answer = errorAnswer(thrown)
    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.body as string).error.code).toBe('ERR_PKI_INTERNAL')
  }
})

test('the README lists the status of every code below 500, and of those that are 503', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  for (const [code, status] of Object.entries(httpStatus)) {
    if (status === 500) continue
    const row = readme.split('\n').find(line => new RegExp(`^\\| ${status} +\\|`).test(line))
    expect(row, `a row for ${status}`).toBeDefined()
    expect(row).toMatch(new RegExp(`\\b${code.replace('ERR_PKI_', '')}\\b`))
  }
})
