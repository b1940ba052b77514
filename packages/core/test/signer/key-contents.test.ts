import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
} from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { encodePem, fileKeyring } from '@fleetcert/core'
import { integer, nullValue, objectIdentifier, octetString, sequence } from '@fleetcert/x509/der'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { describeWith, temporaryDirectory, toolOutput } from '../../../../test-support/tools.ts'

let folder: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  folder = temporaryDirectory()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  folder.remove()
  vi.restoreAllMocks()
})

const passphrase = 'open sesame'
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
const clear = pemOf(privateKey)

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** Opens a key file of this text. */
async function open(text: string | Uint8Array, options: { passphrase?: string } = {}): Promise<Uint8Array> {
  rmSync(folder.path('ca-key.pem'), { force: true })
  writeFileSync(folder.path('ca-key.pem'), text, { mode: 0o600 })
  return (await fileKeyring(folder.directory, options).open('ca'))!.publicKey
}

function unreadable(reason: unknown): object {
  return { code: 'ERR_PKI_KEY_UNREADABLE', details: { name: 'ca', reason } }
}

function encryptedByNode(cipher = 'aes-256-cbc'): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher, passphrase }) as string
}

describe('what a key file holds', () => {
  it('one key, with text around it', async () => {
    expect(await open(clear)).toEqual(spki)
    expect(await open(`Bag Attributes\n  friendlyName: ca\n${clear}\ntrailing text\n`)).toEqual(spki)
    expect(await open(clear.replaceAll('\n', '\r\n'))).toEqual(spki)
    expect(await open(privateKey.export({ type: 'sec1', format: 'pem' }))).toEqual(spki)
  })

  it.each([
    ['nothing', ''],
    ['no PEM', 'secret-ish nonsense ENCRYPTED'],
    ['two keys', clear + clear],
    ['a key and its public key', clear + publicKey.export({ type: 'spki', format: 'pem' })],
    ['a key and a certificate', `${encodePem('CERTIFICATE', new Uint8Array([0x30, 0]))}${clear}`],
    ['a certificate', encodePem('CERTIFICATE', new Uint8Array([0x30, 0]))],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }) as string],
    ['a public key that says it is private', relabel(publicKey.export({ type: 'spki', format: 'pem' }) as string)],
    ['a truncated key', clear.slice(0, clear.length / 2)],
    ['octets behind the key', encodePem('PRIVATE KEY', Buffer.concat([derOf(clear), new Uint8Array(2)]))],
    ['a key short of its last octet', encodePem('PRIVATE KEY', derOf(clear).subarray(0, -1))],
    ['a key beside the public key of another', encodePem('PRIVATE KEY', mismatched())],
    ['an OpenSSH key', encodePem('OPENSSH PRIVATE KEY', Buffer.from('openssh-key-v1\0'))],
  ])('not %s', async (_, text) => {
    for (const options of [{}, { passphrase }]) {
      await expect(open(text, options)).rejects.toMatchObject(unreadable(expect.stringMatching(/./)))
    }
  })
})

/** The private scalar is another one; the public key is as it was. */
function mismatched(): Uint8Array {
  const der = Buffer.from(derOf(clear))
  const scalar = der.indexOf(Buffer.from('0420', 'hex')) + 2
  der[scalar + 31]! ^= 1
  return der
}

function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
}

function relabel(pem: string): string {
  return pem.replaceAll('PUBLIC KEY', 'PRIVATE KEY')
}

describe('the kinds of keys', () => {
  it.each([
    ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['RSA of 4104 bits', () => generateKeyPairSync('rsa', { modulusLength: 4104 })],
    ['RSA with the exponent 3', () => generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })],
    ['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['P-224', () => generateKeyPairSync('ec', { namedCurve: 'secp224r1' })],
    ['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
    ['P-256 spelled out', () => generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })],
    ['DSA', () => generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })],
    ['X25519', () => generateKeyPairSync('x25519')],
    ['Ed448', () => generateKeyPairSync('ed448')],
  ] as const)('%s is refused', async (_, generate) => {
    const pem = pemOf(generate().privateKey)
    await expect(open(pem)).rejects.toMatchObject(unreadable(expect.stringMatching(/P-256, P-384, Ed25519|RSA/)))
  })

  it('ML-DSA that cannot be read is not called damaged alone: an older Node.js reads none', async () => {
    const der = derOf(pemOf(generateKeyPairSync('ml-dsa-44').privateKey))
    const reason = 'damaged, or made by a newer Node.js: ML-DSA takes 24.7'
    await expect(open(encodePem('PRIVATE KEY', der.subarray(0, -1)))).rejects.toMatchObject(unreadable(reason))
  })

  it.each([
    ['RSA of 2048 bits', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['RSA of 3072 bits', () => generateKeyPairSync('rsa', { modulusLength: 3072 })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['ML-DSA-44', () => generateKeyPairSync('ml-dsa-44')],
    ['ML-DSA-65', () => generateKeyPairSync('ml-dsa-65')],
  ] as const)('%s is taken', async (_, generate) => {
    const { privateKey, publicKey } = generate()
    expect(await open(pemOf(privateKey))).toEqual(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })))
  })
})

const privateKeyInfo = privateKey.export({ type: 'pkcs8', format: 'der' })

function cbc(way: 'encrypt' | 'decrypt', key: Uint8Array, iv: Uint8Array, octets: Uint8Array): Uint8Array {
  const cipher = way === 'encrypt' ? createCipheriv('aes-256-cbc', key, iv) : createDecipheriv('aes-256-cbc', key, iv)
  return Buffer.concat([cipher.update(octets), cipher.final()])
}

/** PBKDF2-params (RFC 8018 appendix A.2) with HMAC-SHA-256, unless `rest` says otherwise. */
function pbkdf2(salt: Uint8Array, rounds: number, ...rest: Uint8Array[]): Uint8Array {
  const prf = sequence(objectIdentifier('1.2.840.113549.2.9'), nullValue())
  return sequence(
    objectIdentifier('1.2.840.113549.1.5.12'),
    sequence(octetString(salt), integer(rounds), ...(rest.length === 0 ? [prf] : rest)),
  )
}

/** scrypt-params (RFC 7914 section 7). */
function scrypt(N: number, r: number, p: number, ...rest: Uint8Array[]): Uint8Array {
  return sequence(
    objectIdentifier('1.3.6.1.4.1.11591.4.11'),
    sequence(octetString(new Uint8Array(8)), integer(N), integer(r), integer(p), ...rest),
  )
}

function aes256(iv: Uint8Array): Uint8Array {
  return sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octetString(iv))
}

function pbes2(derivation: Uint8Array, cipher: Uint8Array, encrypted: Uint8Array): string {
  const algorithm = sequence(objectIdentifier('1.2.840.113549.1.5.13'), sequence(derivation, cipher))
  return encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(encrypted)))
}

describe('an encrypted key', () => {
  it('is read by Node with the passphrase alone', async () => {
    const { publicKey } = await fileKeyring(folder.directory, { passphrase }).create('ca', 'P-384')
    const key = readFileSync(folder.path('ca-key.pem'), 'utf8')
    const read = createPrivateKey({ key, passphrase })
    expect(createPublicKey(read).export({ type: 'spki', format: 'der' })).toEqual(Buffer.from(publicKey))
    expect(() => createPrivateKey({ key, passphrase: 'wrong one' })).toThrow()
  })

  it('that Node wrote is opened', async () => {
    for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc']) {
      expect(await open(encryptedByNode(cipher), { passphrase })).toEqual(spki)
    }
  })

  it('opened with another passphrase that happens to end like padding is ERR_PKI_KEY_PASSPHRASE as ever', async () => {
    const salt = randomBytes(8)
    const iv = randomBytes(16)
    const encrypted = cbc('encrypt', pbkdf2Sync(passphrase, salt, 1, 32, 'sha256'), iv, privateKeyInfo)
    const lucky = Array.from({ length: 10_000 }, (_, index) => `wrong ${index}`).find(wrong => {
      try {
        return cbc('decrypt', pbkdf2Sync(wrong, salt, 1, 32, 'sha256'), iv, encrypted)
      } catch {
        return false
      }
    })
    expect(lucky).toBeDefined()
    const text = pbes2(pbkdf2(salt, 1), aes256(iv), encrypted)
    expect(await open(text, { passphrase })).toEqual(spki)
    await expect(open(text, { passphrase: lucky! })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
  })

  it.each([
    ['PBKDF2 of 2^31 − 1 rounds', pbkdf2(new Uint8Array(8), 2 ** 31 - 1)],
    ['PBKDF2 of no rounds', pbkdf2(new Uint8Array(8), 0)],
    ['PBKDF2 for another key length', pbkdf2(new Uint8Array(8), 1, integer(16))],
    ['PBKDF2 with another hash', pbkdf2(new Uint8Array(8), 1, sequence(objectIdentifier('1.2.840.113549.2.5')))],
    ['scrypt of 16 GiB', scrypt(1 << 24, 8, 1)],
    ['scrypt of hours', scrypt(1 << 14, 8, 1 << 20)],
    ['scrypt with an N that is no power of two', scrypt(1000, 8, 1)],
    ['scrypt with no N', scrypt(0, 8, 1)],
    ['scrypt for another key length', scrypt(1 << 10, 8, 1, integer(16))],
    ['another function', sequence(objectIdentifier('1.2.3.4'), sequence())],
  ])('under %s is refused before the passphrase is asked for', async (_, derivation) => {
    const text = pbes2(derivation, aes256(new Uint8Array(16)), new Uint8Array(160))
    for (const options of [{}, { passphrase }]) {
      await expect(open(text, options)).rejects.toMatchObject(unreadable(expect.stringContaining('openssl pkcs8')))
    }
  })

  it.each([
    ['an initialization vector of 8 octets', aes256(new Uint8Array(8)), new Uint8Array(160)],
    ['no whole blocks', aes256(new Uint8Array(16)), new Uint8Array(161)],
    ['no blocks', aes256(new Uint8Array(16)), new Uint8Array(0)],
  ])('of %s is refused', async (_, cipher, encrypted) => {
    const text = pbes2(pbkdf2(new Uint8Array(8), 1), cipher, encrypted)
    await expect(open(text, { passphrase })).rejects.toMatchObject(unreadable(expect.stringMatching(/./)))
  })

  it('that is cut short does not blame the passphrase', async () => {
    await fileKeyring(folder.directory, { passphrase }).create('ca', 'P-256')
    const text = readFileSync(folder.path('ca-key.pem'), 'utf8')
    const der = derOf(text)
    const lines = text.split('\n')
    for (const cut of [
      text.slice(0, 100),
      text.slice(0, -10),
      lines.toSpliced(3, 1).join('\n'),
      encodePem('ENCRYPTED PRIVATE KEY', der.subarray(0, -16)),
      encodePem('ENCRYPTED PRIVATE KEY', der.subarray(0, 60)),
    ]) {
      await expect(open(cut, { passphrase })).rejects.toMatchObject(unreadable(expect.stringMatching(/./)))
      await expect(open(cut)).rejects.toMatchObject(unreadable(expect.stringMatching(/./)))
    }
  })

  it('that is damaged behind its first block does not blame the passphrase', async () => {
    const der = Buffer.from(derOf(encryptedByNode()))
    for (const offset of [1, 17, 40]) {
      const damaged = Buffer.from(der)
      damaged[damaged.length - offset]! ^= 1
      await expect(open(encodePem('ENCRYPTED PRIVATE KEY', damaged), { passphrase })).rejects.toMatchObject(
        unreadable('damaged'),
      )
    }
  })

  it('of a kind that the fleet does not use is refused too', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' })
    const text = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    await expect(open(text, { passphrase })).rejects.toMatchObject(unreadable(expect.stringContaining('P-384')))
  })
})

describeWith(['openssl'], 'keys encrypted by openssl', () => {
  const pkcs8 = (...options: string[]): string =>
    toolOutput('openssl', ['pkcs8', '-topk8', '-passout', `pass:${passphrase}`, ...options], clear).toString()

  it.each([
    ['-scrypt'],
    ['-scrypt', '-scrypt_N', '32768', '-scrypt_r', '4', '-scrypt_p', '2'],
    ['-v2', 'aes-256-cbc'],
    ['-v2', 'aes-128-cbc', '-iter', '600000'],
    ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA1'],
    ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA512'],
  ])('opens %s %s %s %s', async (...options) => {
    expect(await open(pkcs8(...options), { passphrase })).toEqual(spki)
    await expect(open(pkcs8(...options), { passphrase: 'wrong one' })).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_PASSPHRASE',
    })
  })

  it.each([
    ['-v2', 'des3'],
    ['-v2', 'camellia-256-cbc'],
    ['-v2', 'aes-256-ofb'],
    ['-v1', 'PBE-SHA1-3DES'],
  ])('refuses %s %s %s %s, and does not blame the passphrase', async (...options) => {
    await expect(open(pkcs8(...options), { passphrase })).rejects.toMatchObject(
      unreadable(expect.stringContaining('openssl pkcs8')),
    )
  })

  it('refuses the old way of PEM (Proc-Type), which hashes once with MD5', async () => {
    const text = toolOutput('openssl', ['ec', '-aes256', '-passout', `pass:${passphrase}`], clear).toString()
    expect(text).toContain('Proc-Type: 4,ENCRYPTED')
    await expect(open(text, { passphrase })).rejects.toMatchObject(unreadable(expect.stringContaining('openssl pkcs8')))
  })

  it('the way to encrypt a clear key that its refusal tells works', async () => {
    const error = await open(clear, { passphrase }).catch((error: { details: { reason: string } }) => error)
    const command = /openssl (pkcs8 -topk8 -scrypt) -in \S+ -out \S+/.exec(
      (error as typeof error & { details: { reason: string } }).details.reason,
    )
    expect(command).not.toBeNull()
    const text = toolOutput('openssl', [...command![1]!.split(' '), '-passout', `pass:${passphrase}`], clear)
    expect(await open(text, { passphrase })).toEqual(spki)
  })
})

describeWith(['certtool'], 'a key encrypted by GnuTLS', () => {
  it('is opened', async () => {
    writeFileSync(folder.path('clear.pem'), clear)
    const text = toolOutput('certtool', [
      '--to-p8',
      '--load-privkey',
      folder.path('clear.pem'),
      '--password',
      passphrase,
    ])
    expect(text.toString()).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    expect(await open(text, { passphrase })).toEqual(spki)
  })
})
