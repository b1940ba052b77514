import { expect, it } from 'vitest'
import { isOfOneCall, isOutrun, toPkiError } from '../src/postgres-error.ts'

const errorOf = (code?: string, message = 'INSERT INTO secret'): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code })

it.each([
  ['08006', 'ERR_PKI_STORE_UNAVAILABLE', 'the connection failed'],
  ['23505', 'ERR_PKI_STORE_UNAVAILABLE', 'the server refused a statement'],
  ['25006', 'ERR_PKI_STORE_UNAVAILABLE', 'the server is read-only'],
  ['28P01', 'ERR_PKI_STORE_UNAVAILABLE', 'access denied'],
  ['2D000', 'ERR_PKI_STORE_UNAVAILABLE', 'the pool must not be inside a transaction'],
  ['3D000', 'ERR_PKI_STORE_UNAVAILABLE', 'there is no such database'],
  ['3F000', 'ERR_PKI_STORE_CORRUPT', 'the schema is gone'],
  ['40001', 'ERR_PKI_STORE_UNAVAILABLE', 'another transaction was in the way'],
  ['42501', 'ERR_PKI_STORE_UNAVAILABLE', 'access denied'],
  ['42P01', 'ERR_PKI_STORE_CORRUPT', 'a table or function of the schema is missing, or is another one'],
  ['53100', 'ERR_PKI_STORE_UNAVAILABLE', 'the disk of the server is full'],
  ['53200', 'ERR_PKI_STORE_UNAVAILABLE', 'the server is out of memory'],
  ['53300', 'ERR_PKI_STORE_UNAVAILABLE', 'the server has too many connections'],
  ['55P03', 'ERR_PKI_STORE_UNAVAILABLE', 'other writers were in the way for too long'],
  ['57P01', 'ERR_PKI_STORE_UNAVAILABLE', 'the server is shutting down'],
  ['57P03', 'ERR_PKI_STORE_UNAVAILABLE', 'the server is starting or stopping'],
  ['58030', 'ERR_PKI_STORE_UNAVAILABLE', 'the system of the server failed'],
  ['XX001', 'ERR_PKI_STORE_CORRUPT', 'the data is damaged'],
  ['XX000', 'ERR_PKI_STORE_UNAVAILABLE', 'the server refused a statement'],
  ['ECONNREFUSED', 'ERR_PKI_STORE_UNAVAILABLE', 'the server cannot be reached'],
  [undefined, 'ERR_PKI_STORE_UNAVAILABLE', 'the server cannot be reached'],
])('%s is %s: %s', (code, expected, reason) => {
  const error = toPkiError(errorOf(code))
  expect(error).toMatchObject({ code: expected, details: { reason }, cause: { message: code ?? 'Error' } })
  expect(`${error.stack}${(error.cause as Error).stack}`).not.toContain('secret')
})

it('a cursor is one, and an error of ours stays', () => {
  const cursor = toPkiError(errorOf('FC001'))
  expect(cursor).toMatchObject({ code: 'ERR_PKI_CURSOR' })
  expect(toPkiError(cursor)).toBe(cursor)
})

it('tells what may be tried again, and what is the fault of one call', () => {
  expect(['40001', '40P01'].every(code => isOutrun(errorOf(code)))).toBe(true)
  expect(['08006', '53100', 'ECONNRESET', undefined].some(code => isOutrun(errorOf(code)))).toBe(false)
  expect(['22003', '23514', 'XX000'].every(code => isOfOneCall(errorOf(code)))).toBe(true)
  expect(['08006', '40001', '42P01', '57P01', 'ECONNRESET', undefined].some(code => isOfOneCall(errorOf(code)))).toBe(
    false,
  )
})
