import { isPkiError } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { mutateText } from '../../../../x509/test/fuzz/mutator.ts'
import { seededRandom } from '../../../../x509/test/support/random.ts'
import { emqxConfig } from '../../../src/emqx/emqx-config.ts'
import { lintEmqxConfig } from '../../../src/emqx/lint/lint-emqx-config.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
const seed = Number(process.env['FLEETCERT_FUZZ_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 20260601))
const rounds = isLong ? 50_000 : 3000
const maxLength = 4096

const common = {
  authUrl: 'http://hub:3000/v',
  authorizeUrl: 'http://hub:3000/a',
  secretHeader: { name: 'x-secret', value: 'hunter2-hunter2' },
  listener: { caFile: '/ca.pem', certFile: '/c.pem', keyFile: '/k.pem' },
}
const emqx4 = emqxConfig({ ...common, version: '4.4', crlUrls: [] })
const texts = [
  emqxConfig({ ...common, version: '5.0' }),
  emqxConfig({ ...common, version: '6.2', crlCheck: 'pemFirst' }),
  emqx4.emqxConf + emqx4.pluginConf,
  'authentication.1 { mechanism = cinfo, checks = [{result = deny}] }\nauthorization.sources = ${x}\ninclude "y"\nlisteners.quic.a.bind = 1',
  'a = """~\n  x\n """ b : [1, {c = 5s} "d" true null]',
]

describe('lintEmqxConfig', () => {
  it('takes whatever it is given', { timeout: isLong ? 300_000 : 30_000 }, () => {
    const random = seededRandom(seed)
    const seeds = texts.map(text => Buffer.from(text))
    let read = 0
    for (let round = 0; round < rounds; round++) {
      const one = seeds[random(seeds.length)]!
      const input = mutateText(one, seeds[random(seeds.length)]!, random, maxLength)
      const text = Buffer.from(input).toString()
      try {
        const findings = lintEmqxConfig(text)
        expect(lintEmqxConfig(text)).toEqual(findings)
        for (const { line, setting, message, fix } of findings) {
          expect(line).toBeGreaterThan(0)
          expect(line).toBeLessThanOrEqual(text.split('\n').length)
          expect(`${setting}${message}${fix}`).not.toMatch(/[\u0000-\u001f]/)
        }
        read++
      } catch (error) {
        const isCoded = isPkiError(error, 'ERR_PKI_BROKER_CONFIG') || isPkiError(error, 'ERR_PKI_TOO_LARGE')
        if (!isCoded) throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
    }
    expect(read).toBeGreaterThan(rounds / 100)
    expect(rounds - read).toBeGreaterThan(rounds / 100)
  })
})
