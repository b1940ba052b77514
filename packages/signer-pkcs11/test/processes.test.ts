import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { makeSoftHsm, modulePath, pin, type SoftHsm } from './support/softhsm.ts'

const program = fileURLToPath(new URL('support/worker-process.ts', import.meta.url))

describeWith(['softhsm2-util', 'pkcs11-tool'], 'several processes', () => {
  let hsm: SoftHsm
  const start = (what: string) => {
    const child = spawn(process.execPath, ['--conditions=fleetcert-source', program, what, 'fleet'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.setEncoding('utf8')
    return child
  }
  const run = async (what: string): Promise<{ readonly output: string; readonly status: number | null }> => {
    const child = start(what)
    let output = ''
    child.stdout.on('data', (text: string) => {
      output += text
    })
    const [status] = await once(child, 'close')
    return { output: output.trim(), status }
  }
  beforeEach(() => {
    hsm = makeSoftHsm('fleet')
  })
  afterEach(() => hsm.remove())

  it('that make one key at once get one key between them', async () => {
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => run('create')))
    const made = outcomes.filter(({ output }) => output !== 'ERR_PKI_KEY_EXISTS')
    expect(made).toHaveLength(1)
    expect(hsm.tool('fleet', '--list-objects').match(/Private Key Object/g)).toHaveLength(1)
    await using keyring = pkcs11Keyring({ module: modulePath, pin })
    expect(Buffer.from((await keyring.open('ca'))!.publicKey).toString('hex')).toBe(made[0]!.output)
  })

  it('one that is killed leaves whole keys, and the token to others', async () => {
    const child = start('createMany')
    let made = 0
    for await (const text of child.stdout) {
      made += (text as string).length
      if (made >= 5) break
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    await using keyring = pkcs11Keyring({ module: modulePath, pin })
    const names = await keyring.list()
    expect(names.length).toBeGreaterThanOrEqual(made)
    for (const name of names) {
      expect(await (await keyring.open(name))!.sign(Buffer.from('x'))).toBeInstanceOf(Uint8Array)
    }
  })

  it('one that does not close its keyring ends all the same, and well', async () => {
    expect(await run('leave')).toEqual({ output: 'made', status: 0 })
  })
})
