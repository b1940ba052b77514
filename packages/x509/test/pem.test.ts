import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePem, decodePemOne, encodePem } from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'

const octets = Uint8Array.from({ length: 100 }, (_, index) => index)
const pem = encodePem('CERTIFICATE', octets)

describe('encodePem', () => {
  it('writes lines of 64 and ends with a newline', () => {
    expect(pem.split('\n').map(line => line.length)).toEqual([27, 64, 64, 8, 25, 0])
    expect(pem.startsWith('-----BEGIN CERTIFICATE-----\n')).toBe(true)
    expect(pem.endsWith('\n-----END CERTIFICATE-----\n')).toBe(true)
  })

  it('refuses labels that do not survive', () => {
    for (const label of ['', ' A', 'A ', '-A', 'A-', 'A\nB', 'Ä', 'A'.repeat(65)]) {
      expect(() => encodePem(label, octets)).toThrow(TypeError)
    }
  })

  it('comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), bytes => {
        expect(decodePem(encodePem('A B', bytes))).toEqual([{ label: 'A B', der: bytes }])
      }),
    )
  })
})

describe('decodePem', () => {
  it('skips text around blocks and filters by label', () => {
    const text = `Subject: CN=x\n${pem}\nsome -----BEGIN text\n${encodePem('X509 CRL', Uint8Array.of(1))}the end`
    expect(decodePem(text).map(block => block.label)).toEqual(['CERTIFICATE', 'X509 CRL'])
    expect(decodePem(text, 'X509 CRL')).toEqual([{ label: 'X509 CRL', der: Uint8Array.of(1) }])
    expect(decodePem('nothing here')).toEqual([])
    expect(decodePem('')).toEqual([])
  })

  it('takes CRLF, blanks at line ends, and lines of any length', () => {
    for (const text of [pem.replaceAll('\n', '\r\n'), pem.replaceAll('\n', ' \t\n'), pem.trimEnd()]) {
      expect(decodePemOne(text, 'CERTIFICATE')).toEqual(octets)
    }
    const base64 = Buffer.from(octets).toString('base64')
    expect(decodePemOne(`-----BEGIN X-----\n${base64}\n-----END X-----`, 'X')).toEqual(octets)
  })

  it('gives octets of their own memory', () => {
    expect(decodePemOne(pem, 'CERTIFICATE').buffer.byteLength).toBe(octets.length)
  })

  it.each([
    ['no end', '-----BEGIN A-----\nAAAA\n', 'a block has no end'],
    ['another end', '-----BEGIN A-----\nAAAA\n-----END B-----\n', 'ends with another label'],
    ['begin inside', '-----BEGIN A-----\nAAAA\n-----BEGIN A-----\nAAAA\n-----END A-----', 'ends with another label'],
    ['no octets', '-----BEGIN A-----\n-----END A-----\n', 'empty block'],
    ['blank line', '-----BEGIN A-----\n\nAAAA\n-----END A-----\n', 'blank line'],
    ['header', '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nAAAA\n-----END A-----\n', 'base64'],
    ['indented line', '-----BEGIN A-----\n AAAA\n-----END A-----\n', 'base64'],
    ['stray character', '-----BEGIN A-----\nAA*A\n-----END A-----\n', 'base64'],
    ['base64url', '-----BEGIN A-----\n-_-_\n-----END A-----\n', 'base64'],
    ['missing padding', '-----BEGIN A-----\nAAA\n-----END A-----\n', 'base64'],
    ['padding inside', '-----BEGIN A-----\nAA==\nAAAA\n-----END A-----\n', 'base64'],
    ['bits behind the end', '-----BEGIN A-----\nAB==\n-----END A-----\n', 'base64'],
    ['malformed boundary', '-----BEGIN A----\nAAAA\n-----END A-----\n', 'boundary'],
    ['empty label', '-----BEGIN -----\nAAAA\n-----END -----\n', 'boundary'],
  ])('refuses: %s', (_, text, reason) => {
    expectPkiError(() => decodePem(text), 'ERR_PKI_PEM', reason)
  })

  it('refuses more than 1 MiB', () => {
    expectPkiError(() => decodePem(' '.repeat(1024 * 1024 + 1)), 'ERR_PKI_TOO_LARGE')
    expect(decodePem(' '.repeat(1024 * 1024))).toEqual([])
  })

  it('refuses what is no text', () => {
    expect(() => decodePem(octets as never)).toThrow(TypeError)
  })
})

describe('decodePemOne', () => {
  it('wants exactly one', () => {
    expectPkiError(() => decodePemOne(pem + pem, 'CERTIFICATE'), 'ERR_PKI_PEM', 'more than one CERTIFICATE block')
    expectPkiError(() => decodePemOne(pem, 'X509 CRL'), 'ERR_PKI_PEM', 'no X509 CRL block')
  })
})
