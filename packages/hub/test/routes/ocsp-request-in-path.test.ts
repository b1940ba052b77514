import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ocspRequestInPath } from '../../src/routes/public/ocsp-request-in-path.ts'

/** A SEQUENCE whose base64 ends with `padding` and holds what the URL makes trouble of. */
function der(contents: Uint8Array): Buffer {
  const { length } = contents
  const head =
    length < 0x80 ? [0x30, length] : length < 0x100 ? [0x30, 0x81, length] : [0x30, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), contents])
}

// All six bits set: `/` and `_` in every place, `+` and `-` beside them.
const awkward = [78, 79, 80, 126, 127, 128, 129, 255, 256, 1000].flatMap(length => [
  der(Buffer.alloc(length, 0xff)),
  der(Buffer.alloc(length, 0xfb)),
  der(randomBytes(length)),
])

describe.each<[string, (text: string) => string]>([
  ['percent-encoded, as the RFC has it', encodeURIComponent],
  [
    'with small letters in the encoding',
    text => encodeURIComponent(text).replaceAll(/%../g, code => code.toLowerCase()),
  ],
  ['not encoded at all', text => text],
  ['slashes alone not encoded', text => encodeURIComponent(text).replaceAll('%2F', '/')],
  ['plus alone not encoded', text => encodeURIComponent(text).replaceAll('%2B', '+')],
  ['plus as a space', text => encodeURIComponent(text).replaceAll('%2B', '%20')],
  ['encoded twice', text => encodeURIComponent(encodeURIComponent(text))],
  ['without padding', text => encodeURIComponent(text.replaceAll('=', ''))],
  ['without padding and encoding', text => text.replaceAll('=', '')],
  ['in the alphabet for URLs', text => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')],
  ['behind a second slash', text => `/${encodeURIComponent(text)}`],
  ['behind three, not encoded', text => `///${text}`],
  ['with a slash behind it', text => `${encodeURIComponent(text)}/`],
  ['with a slash behind it, not encoded', text => `${text}/`],
  ['with a slash behind it, not encoded, not padded', text => `${text.replaceAll('=', '')}/`],
  ['with slashes behind it, not encoded, not padded', text => `${text.replaceAll('=', '')}///`],
  ['in lines', text => encodeURIComponent(text.replaceAll(/.{64}/g, '$&\n'))],
  ['in lines that end as in mail', text => encodeURIComponent(text.replaceAll(/.{64}/g, '$&\r\n'))],
])('%s', (_name, write) => {
  test('is the request', () => {
    for (const request of awkward) {
      expect(Buffer.from(ocspRequestInPath(write(request.toString('base64')))).equals(request)).toBe(true)
    }
  })
})

test('what is no base64 is no request', () => {
  for (const path of [
    '',
    '/',
    '////',
    '%',
    '%zz',
    '%E0%A4%A',
    'MEUw!',
    'MEUw%00',
    'ME=Uw',
    'MEUw%3F',
    '.',
    '..',
    'é',
  ]) {
    expect(ocspRequestInPath(path)).toHaveLength(0)
  }
})

test('what is base64 and no request is left for the responder to refuse', () => {
  expect(Buffer.from(ocspRequestInPath('AAAA'))).toEqual(Buffer.alloc(3))
  // One octet more than the request says.
  const trailing = Buffer.concat([der(Buffer.alloc(60)), Buffer.alloc(1)])
  expect(Buffer.from(ocspRequestInPath(trailing.toString('base64')))).toEqual(trailing)
})

test('takes time in proportion to the length, and none for what is longer than any request', () => {
  for (const text of ['/', '=', '%2F', '%25', 'A', 'A/', '/A', '%252F', '\n', '%0A', 'MIID////'].map(piece =>
    piece.repeat(Math.floor(120_000 / piece.length)),
  )) {
    for (const path of [text, `${text}!`, `M${text}`, `MIID6A${text}!`]) ocspRequestInPath(path)
  }
  expect(ocspRequestInPath('A'.repeat(1_000_000))).toHaveLength(0)
})

test('never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(ocspRequestInPath(text)).toBeInstanceOf(Uint8Array)
    }),
  )
})
