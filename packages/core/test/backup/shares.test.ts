import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineShares, createPassphrase, splitPassphrase } from '../../src/backup/index.ts'
import { parseShare } from '../../src/backup/shares/share-text.ts'
import { failure } from './octets.ts'

const wellFormed = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter(text => text.isWellFormed())

describe('any shares of the threshold', () => {
  it('give the passphrase back, in any order and however they are typed', async () => {
    const shape = fc
      .integer({ min: 2, max: 8 })
      .chain(shares => fc.tuple(fc.constant(shares), fc.integer({ min: 2, max: shares })))
    await fc.assert(
      fc.asyncProperty(
        wellFormed,
        shape,
        fc.infiniteStream(fc.nat()),
        async (passphrase, [shares, threshold], draws) => {
          const made = await splitPassphrase(passphrase, { shares, threshold })
          expect(made).toHaveLength(shares)
          const next = (): number => draws.next().value!
          const some = [...made]
            .sort(() => (next() % 2) * 2 - 1)
            .slice(0, threshold + (next() % (shares - threshold + 1)))
          const typed = some.map(
            share =>
              [share, share.toLowerCase(), share.replaceAll('-', ' '), share.replaceAll('0', 'o').replaceAll('1', 'l')][
                next() % 4
              ]!,
          )
          expect(await combineShares(typed)).toBe(passphrase)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('up to 255, and a passphrase of 1,024 octets', async () => {
    const passphrase = 'é'.repeat(512)
    const made = await splitPassphrase(passphrase, { shares: 255, threshold: 40 })
    expect(await combineShares(made.slice(215))).toBe(passphrase)
  })

  it('are letters and digits in groups of five', async () => {
    const [share] = await splitPassphrase(createPassphrase(), { shares: 3, threshold: 2 })
    expect(share).toMatch(/^FCS1(-[0-9A-HJKMNP-TV-Z]{1,5})+$/)
    expect(share!.length).toBeLessThan(150)
  })
})

describe('a share that does not belong', () => {
  it('is named when a character is mistyped, missing or doubled', async () => {
    const made = await splitPassphrase('correct horse battery staple', { shares: 3, threshold: 2 })
    const [first, second] = made as [string, string, string]
    for (let at = 5; at < second.length; at += 1) {
      const mistyped = second.slice(0, at) + (second[at] === 'A' ? 'B' : 'A') + second.slice(at + 1)
      const missing = second.slice(0, at) + second.slice(at + 1)
      for (const wrong of [mistyped, missing, `${second}${second[at]}`]) {
        if (
          parseShare(wrong.replaceAll('-', '')) !== undefined &&
          wrong.replaceAll('-', '') === second.replaceAll('-', '')
        )
          continue
        if (second[at] === '-' && wrong === missing) continue
        const error = await combineShares([first, wrong]).catch(error => error)
        expect(error, wrong).toMatchObject({ code: 'ERR_PKI_SHARE', details: { share: 2 } })
      }
    }
  })

  it('is named when it is of another set, or there twice', async () => {
    const made = await splitPassphrase('one', { shares: 4, threshold: 3 })
    const [stranger] = await splitPassphrase('one', { shares: 4, threshold: 3 })
    await expect(combineShares([stranger!, made[0]!, made[1]!])).rejects.toMatchObject({
      code: 'ERR_PKI_SHARE',
      details: { share: 1, reason: 'share 1: it belongs to another set' },
    })
    await expect(combineShares([made[0]!, made[1]!, made[0]!])).rejects.toMatchObject({
      details: { share: 3, reason: 'share 3: it is the same as share 1 of these' },
    })
  })

  it('of which there are too few', async () => {
    const made = await splitPassphrase('one', { shares: 4, threshold: 3 })
    expect(await failure(combineShares(made.slice(0, 2)))).toBe('ERR_PKI_SHARE there are 2, 3 are needed')
    expect(await failure(combineShares([]))).toBe('ERR_PKI_SHARE there are 0')
  })

  it('that was made up, with a right checksum', async () => {
    const { formatShare } = await import('../../src/backup/shares/share-text.ts')
    const [first, second] = await splitPassphrase('one', { shares: 2, threshold: 2 })
    const share = parseShare(second!)
    if (typeof share === 'string') throw new Error(share)
    const octets = new Uint8Array(share.octets)
    octets[3]! ^= 1
    expect(await failure(combineShares([first!, formatShare({ ...share, octets })]))).toMatch(
      /^ERR_PKI_SHARE one of them is not genuine/,
    )
    expect(await failure(combineShares([first!, formatShare({ ...share, octets: octets.subarray(1) })]))).toMatch(
      /not genuine/,
    )
  })

  it('is refused for any text, with a code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.string().map(text => `FCS1-${text}`),
        ),
        async text => {
          expect(await failure(combineShares([text, text]))).toMatch(/^ERR_PKI_SHARE /)
        },
      ),
    )
    expect(await failure(combineShares(['FCS1'.padEnd(5000, '0')]))).toBe(
      'ERR_PKI_SHARE share 1: it is longer than a share',
    )
  })
})

describe('what cannot be split', () => {
  it.each([
    ['an empty passphrase', '', { shares: 3, threshold: 2 }, RangeError],
    ['a long passphrase', 'x'.repeat(1025), { shares: 3, threshold: 2 }, RangeError],
    ['half a character', '\ud800', { shares: 3, threshold: 2 }, TypeError],
    ['one share', 'x', { shares: 1, threshold: 1 }, RangeError],
    ['256 shares', 'x', { shares: 256, threshold: 2 }, RangeError],
    ['a threshold of 1', 'x', { shares: 3, threshold: 1 }, RangeError],
    ['a threshold above the shares', 'x', { shares: 3, threshold: 4 }, RangeError],
    ['an unknown option', 'x', { shares: 3, threshold: 2, treshold: 2 }, TypeError],
  ] as const)('%s', async (_, passphrase, options, kind) => {
    await expect(splitPassphrase(passphrase, options)).rejects.toThrow(kind)
  })
})

it('a passphrase that is made has 148 bits', () => {
  const made = Array.from({ length: 50 }, createPassphrase)
  expect(new Set(made).size).toBe(50)
  for (const passphrase of made) expect(passphrase).toMatch(/^([a-hjkmnp-z2-9]{5}-){5}[a-hjkmnp-z2-9]{5}$/)
})
