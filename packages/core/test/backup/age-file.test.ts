import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Decrypter, Encrypter } from 'age-encryption'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith, temporaryDirectory, toolOutput } from '../../../../test-support/tools.ts'
import { decryptAge, encryptAge } from '../../src/backup/age/age-file.ts'
import type { OpenWith } from '../../src/backup/age/file-key.ts'
import { createBackupIdentity } from '../../src/backup/index.ts'
import { collect, failure, inPieces } from './octets.ts'

const folder = temporaryDirectory()
afterAll(folder.remove)

let identity: string
let recipient: string
beforeAll(async () => {
  ;({ identity, recipient } = await createBackupIdentity())
})

const chunk = 64 * 1024
const sizes = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 17]
const seal = (plain: Uint8Array): Promise<Buffer> =>
  collect(encryptAge(inPieces(plain, 50_000), { recipients: [recipient] }))
const open = (file: Uint8Array, openWith: OpenWith = { identities: [identity] }, size?: number): Promise<Buffer> =>
  collect(decryptAge(inPieces(file, size), openWith))

describe('what was encrypted comes back', () => {
  it.each(sizes)('%i octets', async size => {
    const plain = randomBytes(size)
    expect(await open(await seal(plain))).toEqual(plain)
  })

  it('in pieces of any size', async () => {
    const plain = randomBytes(chunk + 999)
    const file = await seal(plain)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 * chunk }), async size => {
        expect((await open(file, { identities: [identity] }, size)).equals(plain)).toBe(true)
      }),
      { numRuns: 30 },
    )
    expect(await open(file.subarray(0, 400), { identities: [identity] }, 1).catch(() => undefined)).toBeUndefined()
  })

  it('by a passphrase', async () => {
    const file = await collect(encryptAge(inPieces(Buffer.from('content')), { passphrase: 'correct horse' }))
    expect(await open(file, { passphrase: 'correct horse' })).toEqual(Buffer.from('content'))
    expect(await failure(open(file, { passphrase: 'correct horsf' }))).toBe('ERR_PKI_BACKUP_SECRET')
    expect(await failure(open(file))).toBe('ERR_PKI_BACKUP_SECRET')
  })

  it('for each of several recipients, and for nobody else', async () => {
    const other = await createBackupIdentity()
    const stranger = await createBackupIdentity()
    const recipients = [recipient, other.recipient]
    const file = await collect(encryptAge(inPieces(Buffer.from('content')), { recipients }))
    expect(await open(file, { identities: [other.identity] })).toEqual(Buffer.from('content'))
    expect(await open(file, { identities: [stranger.identity, identity] })).toEqual(Buffer.from('content'))
    expect(await failure(open(file, { identities: [stranger.identity] }))).toBe('ERR_PKI_BACKUP_SECRET')
    expect(await failure(open(file, { passphrase: 'x' }))).toBe('ERR_PKI_BACKUP_SECRET')
  })
})

describe('the library reads and writes the same', () => {
  it.each(sizes)('%i octets', async size => {
    const plain = randomBytes(size)
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    expect(Buffer.from(await decrypter.decrypt(await seal(plain)))).toEqual(plain)
    const encrypter = new Encrypter()
    encrypter.addRecipient(recipient)
    expect(await open(await encrypter.encrypt(new Uint8Array(plain)))).toEqual(plain)
  })

  it('by a passphrase', async () => {
    const decrypter = new Decrypter()
    decrypter.addPassphrase('gürtel')
    const file = await collect(encryptAge(inPieces(Buffer.from('content')), { passphrase: 'gürtel' }))
    expect(Buffer.from(await decrypter.decrypt(file)).toString()).toBe('content')
    const encrypter = new Encrypter()
    encrypter.setPassphrase('gürtel')
    encrypter.setScryptWorkFactor(12)
    expect((await open(await encrypter.encrypt('content'), { passphrase: 'gürtel' })).toString()).toBe('content')
  })
})

describeWith(['age'], 'age itself reads and writes the same', () => {
  it.each(sizes)('%i octets', async size => {
    const plain = randomBytes(size)
    writeFileSync(folder.path('identity'), `${identity}\n`, { mode: 0o600 })
    expect(toolOutput('age', ['-d', '-i', folder.path('identity')], await seal(plain)).equals(plain)).toBe(true)
    expect((await open(toolOutput('age', ['-r', recipient], plain))).equals(plain)).toBe(true)
  })
})

describe('a file that is not whole', () => {
  it('is refused, cut short at whatever octet', async () => {
    const file = await seal(randomBytes(300))
    for (let length = 0; length < file.length; length += 1) {
      const code = await failure(open(file.subarray(0, length)))
      expect(code, `${length} octets`).toMatch(/^ERR_PKI_BACKUP /)
    }
  })

  it('is refused, cut short around the bounds of its chunks', async () => {
    const file = await seal(randomBytes(3 * chunk))
    const first = file.length - 3 * (chunk + 16)
    for (const bound of [first, first + chunk + 16, first + 2 * (chunk + 16), file.length]) {
      for (const length of [bound - 17, bound - 16, bound - 1, bound, bound + 1, bound + 15, bound + 16, bound + 17]) {
        if (length >= file.length) continue
        expect(await failure(open(file.subarray(0, length))), `${length} octets`).toMatch(/^ERR_PKI_BACKUP /)
      }
    }
  })

  it('is refused with whatever bit flipped', async () => {
    const file = await seal(randomBytes(100))
    for (let at = 0; at < file.length; at += 1) {
      const changed = Buffer.from(file)
      changed[at]! ^= 1 << (at % 8)
      expect(await failure(open(changed)), `octet ${at}`).toMatch(/^ERR_PKI_BACKUP(_SECRET$| )/)
    }
  })

  it('is refused with more behind it, chunks swapped, or a chunk twice', async () => {
    const file = await seal(randomBytes(3 * chunk))
    const size = chunk + 16
    const first = file.length - 3 * size
    const part = (index: number): Buffer => file.subarray(first + index * size, first + (index + 1) * size)
    const head = file.subarray(0, first)
    for (const changed of [
      Buffer.concat([file, Buffer.from([0])]),
      Buffer.concat([file, part(2)]),
      Buffer.concat([head, part(1), part(0), part(2)]),
      Buffer.concat([head, part(0), part(0), part(2)]),
      Buffer.concat([head, part(2)]),
    ]) {
      expect(await failure(open(changed))).toBe('ERR_PKI_BACKUP it was changed or cut short')
    }
  })
})

describe('a header that asks for too much', () => {
  const withHeader = (lines: readonly string[]): Buffer => Buffer.from(`age-encryption.org/v1\n${lines.join('\n')}\n`)
  const salt = 'AAAAAAAAAAAAAAAAAAAAAA'
  const body = Buffer.alloc(32).toString('base64').replace(/=+$/, '')
  const mac = `--- ${body}`

  it('of scrypt rounds', async () => {
    const file = withHeader([`-> scrypt ${salt} 19`, body, mac])
    expect(await failure(open(file, { passphrase: 'x' }))).toBe('ERR_PKI_BACKUP scrypt work factor 19 is above 18')
  })

  it.each([
    ['a factor that is none', [`-> scrypt ${salt} 08`, body, mac]],
    ['a short salt', ['-> scrypt AAAA 10', body, mac]],
    ['a salt in another spelling', [`-> scrypt ${salt.slice(0, -1)}B 10`, body, mac]],
    ['a short body', [`-> scrypt ${salt} 10`, 'AAAA', mac]],
    ['two stanzas', [`-> scrypt ${salt} 10`, body, `-> scrypt ${salt} 10`, body, mac]],
  ])('malformed: %s', async (_, lines) => {
    expect(await failure(open(withHeader(lines), { passphrase: 'x' }))).toBe('ERR_PKI_BACKUP malformed scrypt stanza')
  })

  it('endless', async () => {
    let given = 0
    const endless = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield Buffer.from('age-encryption.org/v1\n')
      for (;;) {
        given += 1024
        yield Buffer.alloc(1024, '-> x y\nAAAA\n')
      }
    }
    expect(await failure(collect(decryptAge(endless(), { identities: [identity] })))).toBe(
      'ERR_PKI_BACKUP its header is cut short',
    )
    expect(given).toBeLessThan(256 * 1024)
  })

  it('of no age file', async () => {
    expect(await failure(open(Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----\n')))).toBe(
      'ERR_PKI_BACKUP not an age file',
    )
    expect(await failure(open(randomBytes(5000)))).toBe('ERR_PKI_BACKUP not an age file')
  })
})

describe('what is no recipient and no identity', () => {
  it('is a bug of the caller, and not quoted', async () => {
    await expect(collect(encryptAge(inPieces(Buffer.alloc(1)), { recipients: ['age1x'] }))).rejects.toThrow(TypeError)
    const secret = 'AGE-SECRET-KEY-1NOTAKEY'
    const error = await open(await seal(Buffer.alloc(1)), { identities: [secret] }).catch(error => error)
    expect(error).toBeInstanceOf(TypeError)
    expect(JSON.stringify([String(error), String(error.cause)])).not.toContain('NOTAKEY')
  })
})

it('lets go of the source when it is not read to its end', async () => {
  let closed = false
  const file = await seal(randomBytes(10 * chunk))
  const source = async function* (): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* inPieces(file)
    } finally {
      closed = true
    }
  }
  for await (const _ of decryptAge(source(), { identities: [identity] })) break
  expect(closed).toBe(true)
})
