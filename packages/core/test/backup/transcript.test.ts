import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { openTranscript, verifyTranscript } from '../../src/backup/index.ts'
import type { Keyring, Signer } from '../../src/signer/signer.ts'
import { failure } from './octets.ts'

const folder = temporaryDirectory()
afterAll(folder.remove)

let root: string
let signer: Signer
let device: { certificate: string; privateKey?: string }
beforeAll(async () => {
  const keyring: Keyring = memoryKeyring()
  await using fleet = await openFleet({ store: memoryStore(), keyring, background: false })
  root = fleet.trustAnchors
  signer = (await keyring.open('root'))!
  device = await fleet.enroll('sensor-1')
})

const title = 'Root ceremony of Acme'
const clock = (): Date => new Date('2026-03-01T10:00:00Z')

async function sealed(name: string): Promise<string> {
  const transcript = await openTranscript(folder.path(name), { title, clock })
  await transcript.record('root key made', { keyring: 'root', algorithm: 'P-256', witnesses: 3 })
  await transcript.record('root certificate signed', { certificate: root, attended: true })
  await transcript.record('photograph taken', { octets: Buffer.from('picture') })
  await transcript.seal(signer)
  await transcript.close()
  return readFileSync(folder.path(name), 'utf8')
}

describe('a transcript that was sealed', () => {
  it('says what was recorded, as whom, and is for everybody to read', async () => {
    const text = await sealed('whole')
    const { entries, digest, title: said } = verifyTranscript(text, { certificate: root })
    expect(said).toBe(title)
    expect(entries.map(({ entry, what }) => [entry, what])).toEqual([
      [1, 'begun'],
      [2, 'root key made'],
      [3, 'root certificate signed'],
      [4, 'photograph taken'],
      [5, 'sealed'],
    ])
    expect(entries[1]?.details).toEqual({ keyring: 'root', algorithm: 'P-256', witnesses: 3 })
    expect(entries[2]?.details['certificate']).toMatch(/^CERTIFICATE (?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    expect(entries[3]?.details['octets']).toMatch(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    expect(entries[1]?.at).toEqual(clock())
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(statSync(folder.path('whole')).mode & 0o777).toBe(0o644 & ~process.umask())
  })

  it('takes nothing more', async () => {
    await sealed('closed')
    expect(await failure(openTranscript(folder.path('closed'), { title }))).toBe('ERR_PKI_TRANSCRIPT it is sealed')
    const transcript = await openTranscript(folder.path('open'), { title })
    await transcript.seal(signer)
    expect(await failure(transcript.record('something else'))).toBe('ERR_PKI_TRANSCRIPT it is sealed')
    await transcript.close()
    await transcript.close()
  })

  it('is refused with another certificate, and unsealed', async () => {
    const text = await sealed('other')
    expect(await failure((async () => verifyTranscript(text, device))())).toBe(
      'ERR_PKI_TRANSCRIPT another key has sealed it',
    )
    const unsealed = `${text.split('\n').slice(0, -2).join('\n')}\n`
    expect(await failure((async () => verifyTranscript(unsealed, { certificate: root }))())).toBe(
      'ERR_PKI_TRANSCRIPT it is not sealed',
    )
  })

  it('is refused with any line left out, doubled, swapped or changed', async () => {
    const lines = (await sealed('lines')).trimEnd().split('\n')
    const check = (changed: readonly string[]): Promise<string> =>
      failure((async () => verifyTranscript(`${changed.join('\n')}\n`, { certificate: root }))())
    for (let at = 0; at < lines.length; at += 1) {
      expect(await check(lines.toSpliced(at, 1))).toMatch(/^ERR_PKI_TRANSCRIPT/)
      expect(await check(lines.toSpliced(at, 0, lines[at]!))).toMatch(/^ERR_PKI_TRANSCRIPT/)
      if (at > 0)
        expect(await check(lines.toSpliced(at - 1, 2, lines[at]!, lines[at - 1]!))).toMatch(/^ERR_PKI_TRANSCRIPT/)
    }
  })

  it('is refused with any octet changed, or cut short anywhere', async () => {
    const octets = Buffer.from(await sealed('octets'))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: octets.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(octets)
        changed[at]! ^= mask
        const attempt = (): unknown => verifyTranscript(changed.toString(), { certificate: root })
        expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_PKI_TRANSCRIPT' }))
      }),
      { numRuns: 500 },
    )
    for (let length = 0; length < octets.length; length += 1) {
      const attempt = (): unknown => verifyTranscript(octets.toString('utf8', 0, length), { certificate: root })
      expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_PKI_TRANSCRIPT' }))
    }
  })
})

describe('a ceremony that was interrupted', () => {
  it('goes on, and says so; a torn line is taken away', async () => {
    const path = folder.path('torn')
    const first = await openTranscript(path, { title })
    await first.record('one')
    await first.record('two')
    await first.close()
    truncateSync(path, statSync(path).size - 20)
    const second = await openTranscript(path, { title })
    await second.record('three')
    await second.seal(signer)
    await second.close()
    const { entries } = verifyTranscript(readFileSync(path, 'utf8'), { certificate: root })
    expect(entries.map(({ what }) => what)).toEqual(['begun', 'one', 'resumed', 'three', 'sealed'])
    expect(entries[2]?.details).toEqual({ torn: true })
  })

  it('of which nothing came to be', async () => {
    const path = folder.path('empty')
    writeFileSync(path, '{"entry"')
    const transcript = await openTranscript(path, { title })
    await transcript.seal(signer)
    await transcript.close()
    expect(verifyTranscript(readFileSync(path, 'utf8'), { certificate: root }).entries).toHaveLength(2)
  })

  it('does not go on in a file that is something else', async () => {
    const path = folder.path('else')
    writeFileSync(path, 'notes\n')
    expect(await failure(openTranscript(path, { title }))).toMatch(/^ERR_PKI_TRANSCRIPT/)
    expect(readFileSync(path, 'utf8')).toBe('notes\n')
    const other = folder.path('other-title')
    await (await openTranscript(other, { title })).close()
    expect(await failure(openTranscript(other, { title: 'another' }))).toBe(
      'ERR_PKI_TRANSCRIPT it is of another ceremony',
    )
    const changed = folder.path('changed')
    await (await openTranscript(changed, { title })).close()
    appendFileSync(changed, readFileSync(changed))
    expect(await failure(openTranscript(changed, { title }))).toMatch(/^ERR_PKI_TRANSCRIPT/)
  })
})

describe('what cannot be recorded', () => {
  it('is a secret', async () => {
    const transcript = await openTranscript(folder.path('secrets'), { title })
    for (const value of [device.privateKey!, 'AGE-SECRET-KEY-1XYZ', 'FCS1-AAAAA']) {
      await expect(transcript.record('kept', { value })).rejects.toThrow(TypeError)
      await expect(transcript.record(value.slice(0, 400))).rejects.toThrow(TypeError)
    }
    await transcript.close()
    expect(readFileSync(folder.path('secrets'), 'utf8').split('\n')).toHaveLength(2)
  })

  it('is no sentence, or of no kind that is written', async () => {
    const transcript = await openTranscript(folder.path('kinds'), { title })
    await expect(transcript.record('')).rejects.toThrow(TypeError)
    await expect(transcript.record('x', { value: Number.NaN })).rejects.toThrow(TypeError)
    await expect(transcript.record('x', { value: {} as string })).rejects.toThrow(TypeError)
    await expect(transcript.record('x', { value: 'x'.repeat(4001) })).rejects.toThrow(TypeError)
    await expect(transcript.record('x', { value: '-----BEGIN CERTIFICATE-----' })).rejects.toThrow(TypeError)
    await transcript.close()
  })

  it('where the disk takes nothing', async () => {
    expect(await failure(openTranscript(folder.path('no/such/folder'), { title }))).toBe(
      'ERR_PKI_BACKUP_UNWRITABLE ENOENT',
    )
    expect(await failure(openTranscript('/dev/full', { title }))).toMatch(/^ERR_PKI_TRANSCRIPT it is no file/)
  })
})

it('entries that are recorded at once come one after the other', async () => {
  const path = folder.path('many')
  const transcript = await openTranscript(path, { title })
  await Promise.all(Array.from({ length: 20 }, (_, index) => transcript.record(`step ${index}`)))
  await transcript.seal(signer)
  await transcript.close()
  expect(verifyTranscript(readFileSync(path, 'utf8'), { certificate: root }).entries).toHaveLength(22)
})
