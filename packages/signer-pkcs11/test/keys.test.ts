import { execFileSync } from 'node:child_process'
import { createPublicKey, verify } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Pkcs11Keyring, type Pkcs11KeyringOptions, pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeWith, runTool } from '../../../test-support/tools.ts'
import { makeSoftHsm, modulePath, pin, type SoftHsm } from './support/softhsm.ts'

describeWith(['softhsm2-util', 'pkcs11-tool', 'openssl'], 'keys in the token', () => {
  let hsm: SoftHsm
  let opened: Pkcs11Keyring[] = []
  const open = (options: Partial<Pkcs11KeyringOptions> = {}): Pkcs11Keyring => {
    const keyring = pkcs11Keyring({ module: modulePath, tokenLabel: 'fleet', pin, sessions: 2, ...options })
    opened.push(keyring)
    return keyring
  }
  beforeEach(() => {
    hsm = makeSoftHsm('fleet')
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await Promise.all(opened.map(keyring => keyring.close()))
    opened = []
    hsm.remove()
  })

  it.each(['P-256', 'RSA-2048'] as const)(
    '%s: made there, sensitive, never extractable, for signatures alone',
    async algorithm => {
      await open().create('ca', algorithm)
      const listed = hsm.tool('fleet', '--list-objects')
      const privateKey = listed.slice(
        listed.indexOf('Private Key Object'),
        listed.includes('Public Key Object', listed.indexOf('Private Key Object'))
          ? listed.indexOf('Public Key Object', listed.indexOf('Private Key Object'))
          : undefined,
      )
      expect(privateKey).toMatch(/label: +ca\n/)
      expect(privateKey).toMatch(/Usage: +sign\n/)
      expect(privateKey).toMatch(/Access: +sensitive, always sensitive, never extractable, local/)
      expect(listed).toMatch(/Public Key Object[\s\S]*Usage: +verify\n/)
    },
  )

  it('keys that pkcs11-tool has made are opened, and their signatures verify', async () => {
    for (const [type, label] of [
      ['EC:prime256v1', 'ec'],
      ['EC:secp384r1', 'ec-384'],
      ['EC:edwards25519', 'ed'],
      ['rsa:3072', 'rsa'],
    ] as const) {
      hsm.tool('fleet', '--keypairgen', '--key-type', type, '--label', label, '--usage-sign')
    }
    const keyring = open()
    expect(await keyring.list()).toEqual(['ec', 'ec-384', 'ed', 'rsa'])
    for (const [name, algorithm, hash] of [
      ['ec', 'ecdsa-with-SHA256', 'sha256'],
      ['ec-384', 'ecdsa-with-SHA384', 'sha384'],
      ['ed', 'id-Ed25519', null],
      ['rsa', 'sha256WithRSAEncryption', 'sha256'],
    ] as const) {
      const signer = await keyring.open(name)
      expect(signer?.algorithm).toBe(algorithm)
      const key = createPublicKey({ key: Buffer.from(signer!.publicKey), format: 'der', type: 'spki' })
      expect(verify(hash, Buffer.from('text'), key, await signer!.sign(Buffer.from('text')))).toBe(true)
    }
  })

  it('a key that can be extracted is used, with a warning', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    hsm.tool(
      'fleet',
      '--keypairgen',
      '--key-type',
      'EC:prime256v1',
      '--label',
      'extractable',
      '--usage-sign',
      '--extractable',
    )
    expect(await open().open('extractable')).toBeDefined()
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('extractable'), { code: 'FLEETCERT_EXTRACTABLE_KEY' })
  })

  it('a key of a kind that is not used is refused with its reason', async () => {
    hsm.tool('fleet', '--keypairgen', '--key-type', 'EC:secp256k1', '--label', 'k1', '--usage-sign')
    hsm.tool('fleet', '--keypairgen', '--key-type', 'rsa:1024', '--label', 'short', '--usage-sign')
    const keyring = open()
    for (const [name, reason] of [
      ['k1', 'a key on a curve that is not used'],
      ['short', 'an RSA key of 1024 bits; expected 2048 to 4096'],
    ]) {
      await expect(keyring.open(name!)).rejects.toMatchObject({
        code: 'ERR_PKI_KEY_UNREADABLE',
        details: { name, reason },
      })
    }
  })

  it.each([
    ['CKA_SIGN', false, 'a key that may not sign'],
    ['CKA_ALWAYS_AUTHENTICATE', true, 'a key that wants the PIN for every signature'],
  ] as const)('a key with %s = %s is refused', async (attribute, value, reason) => {
    const keyring = open()
    await keyring.list()
    // The process is logged in now, in this thread too.
    const ck = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js')
    const p11 = new ck.PKCS11()
    p11.load(modulePath)
    const slot = p11.C_GetSlotList(true)[0]!
    const session = p11.C_OpenSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
    const named = [
      { type: ck.CKA_TOKEN, value: true },
      { type: ck.CKA_LABEL, value: 'ca' },
    ]
    const p256 = { type: ck.CKA_EC_PARAMS, value: Buffer.from('06082a8648ce3d030107', 'hex') }
    const privateKey = [...named, { type: ck[attribute], value }]
    p11.C_GenerateKeyPair(session, { mechanism: ck.CKM_EC_KEY_PAIR_GEN }, [...named, p256], privateKey)
    p11.C_CloseSession(session)
    await expect(keyring.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE', details: { reason } })
  })

  it('two keys under one label are not chosen between', async () => {
    for (const id of ['01', '02']) {
      hsm.tool('fleet', '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'ca', '--id', id, '--usage-sign')
    }
    const keyring = open()
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { reason: 'the token holds more than one key under the label' },
    })
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_EXISTS' })
    expect(await keyring.list()).toEqual(['ca'])
    await keyring.delete('ca')
    expect(hsm.tool('fleet', '--list-objects').trim()).not.toContain('ca')
  })

  it('a public key that belongs to another private key is found out', async () => {
    hsm.tool('fleet', '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'ca', '--id', '01', '--usage-sign')
    hsm.tool('fleet', '--delete-object', '--type', 'pubkey', '--label', 'ca')
    const other = execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-outform', 'DER'])
    const spki = execFileSync('openssl', ['ec', '-inform', 'DER', '-pubout', '-outform', 'DER'], {
      input: other,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    writeFileSync(hsm.path('other.der'), spki)
    hsm.tool('fleet', '--write-object', hsm.path('other.der'), '--type', 'pubkey', '--label', 'ca', '--id', '01')
    await expect(open().open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { reason: 'its public and its private half do not belong together' },
    })
  })

  it('without its public half a key is refused', async () => {
    hsm.tool('fleet', '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'ca', '--usage-sign')
    hsm.tool('fleet', '--delete-object', '--type', 'pubkey', '--label', 'ca')
    await expect(open().open('ca')).rejects.toMatchObject({
      details: { reason: 'the token does not show its public key' },
    })
  })

  it('a key that is deleted signs no more, and one that is made anew under its name is another', async () => {
    const keyring = open()
    const signer = await keyring.create('ca', 'P-256')
    await keyring.delete('ca')
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_MISSING',
      details: { name: 'ca' },
    })
    const next = await keyring.create('ca', 'P-256')
    expect(await next.sign(Buffer.from('x'))).toBeInstanceOf(Uint8Array)
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { reason: 'another key has its label now' },
    })
  })

  it('a prefix keeps fleets of one token apart', async () => {
    const [one, two] = [open({ labelPrefix: 'one:' }), open({ labelPrefix: 'two:' })]
    const [first, second] = await Promise.all([one.create('ca', 'P-256'), two.create('ca', 'P-256')])
    expect(first.publicKey).not.toEqual(second.publicKey)
    expect(await one.list()).toEqual(['ca'])
    expect(await open().list()).toEqual([])
    await one.delete('ca')
    expect(await two.list()).toEqual(['ca'])
    expect(hsm.tool('fleet', '--list-objects')).toMatch(/label: +two:ca/)
  })

  it('an algorithm that the token has not is refused', async () => {
    await expect(open().create('ca', 'ML-DSA-65')).rejects.toMatchObject({
      code: 'ERR_PKI_ALGORITHM',
      details: { algorithm: 'ML-DSA-65' },
    })
    expect(await open().list()).toEqual([])
  })
})

describeWith(['softhsm2-util'], 'which token', () => {
  let hsm: SoftHsm
  const verdict = async (options: Partial<Pkcs11KeyringOptions>): Promise<unknown> => {
    await using keyring = pkcs11Keyring({ module: modulePath, pin, ...options })
    return await keyring
      .list()
      .catch((error: { code: string; details: { reason: string } }) => [error.code, error.details.reason])
  }
  afterEach(() => hsm.remove())

  it('is the one there is, or is said', async () => {
    hsm = makeSoftHsm('one')
    expect(await verdict({})).toEqual([])
    hsm.addToken('two')
    hsm.addToken('two')
    expect(await verdict({})).toEqual([
      'ERR_PKI_HSM_UNAVAILABLE',
      'there are 3 tokens to choose from: say tokenLabel or slot',
    ])
    expect(await verdict({ tokenLabel: 'one' })).toEqual([])
    expect(await verdict({ tokenLabel: 'two' })).toEqual([
      'ERR_PKI_HSM_UNAVAILABLE',
      'there are 2 tokens to choose from: say slot',
    ])
    expect(await verdict({ tokenLabel: 'three' })).toEqual(['ERR_PKI_HSM_UNAVAILABLE', 'there is no token "three"'])
    const slots = [
      ...runTool('pkcs11-tool', ['--module', modulePath, '--list-slots']).output.matchAll(
        /\((0x[0-9a-f]+)\)[\s\S]*?token label +: (\w*)/g,
      ),
    ]
    const slot = Number(slots.find(([, , label]) => label === 'two')![1])
    expect(await verdict({ slot })).toEqual([])
    expect(await verdict({ slot, tokenLabel: 'two' })).toEqual([])
    expect(await verdict({ slot, tokenLabel: 'one' })).toEqual([
      'ERR_PKI_HSM_UNAVAILABLE',
      `there is no token "one" in slot ${slot}`,
    ])
  })

  it('a module that is none, or not there', async () => {
    hsm = makeSoftHsm('one')
    writeFileSync(hsm.path('text.so'), 'no library')
    for (const module of [hsm.path('text.so'), hsm.path('missing.so')]) {
      expect(await verdict({ module })).toEqual([
        'ERR_PKI_HSM_UNAVAILABLE',
        expect.stringContaining('the module cannot be loaded'),
      ])
    }
  })
})
