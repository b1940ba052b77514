import { describe, expect, it } from 'vitest'
import { isPkiError, PkiError, type PkiErrorCode, pkiErrorSentences } from '../src/index.ts'

const codes = Object.keys(pkiErrorSentences) as PkiErrorCode[]

describe('the table of codes', () => {
  it.each(codes)('%s has a sentence', code => {
    expect(code).toMatch(/^ERR_PKI_[A-Z]+(?:_[A-Z]+)*$/)
    expect(pkiErrorSentences[code]).toMatch(/^[A-Z].{10,180}\.$/)
  })

  it('has no sentence twice', () => {
    expect(new Set(Object.values(pkiErrorSentences)).size).toBe(codes.length)
  })
})

describe('PkiError', () => {
  it('carries code, details and cause', () => {
    const cause = new Error('below')
    const error = new PkiError('ERR_PKI_CSR', { reason: 'no key' }, { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('PkiError')
    expect(error.code).toBe('ERR_PKI_CSR')
    expect(error.details).toEqual({ reason: 'no key' })
    expect(Object.isFrozen(error.details)).toBe(true)
    expect(error.cause).toBe(cause)
    expect(error.message).toBe(`${pkiErrorSentences.ERR_PKI_CSR} (no key)`)
  })

  it.each(codes)('%s: nothing of the details but the reason gets into the message', code => {
    const secret = '-----BEGIN PRIVATE KEY-----\nMIIsecret'
    const details = { deviceId: secret, path: secret, name: secret, host: secret, token: secret, findings: [secret] }
    const error = new PkiError(code, details as never)
    expect(error.message).toBe(pkiErrorSentences[code])
    expect(String(error)).not.toContain('secret')
  })
})

describe('isPkiError', () => {
  it('goes by brand and code', () => {
    const error = new PkiError('ERR_PKI_CLOSED', {})
    expect(isPkiError(error)).toBe(true)
    expect(isPkiError(error, 'ERR_PKI_CLOSED')).toBe(true)
    expect(isPkiError(error, 'ERR_PKI_CSR')).toBe(false)
    for (const value of [new Error('x'), undefined, null, 'ERR_PKI_CSR', { code: 'ERR_PKI_CSR' }]) {
      expect(isPkiError(value)).toBe(false)
    }
  })

  it('knows an error of another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { code: 'ERR_PKI_CSR', [Symbol.for('@fleetcert/PkiError')]: true })
    expect(isPkiError(foreign, 'ERR_PKI_CSR')).toBe(true)
  })
})
