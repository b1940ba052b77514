import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exampleConfigs } from '../../../scripts/example-configs.ts'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'
import { lintEmqxConfig } from '../src/index.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const configs = exampleConfigs()

describe('the configurations of examples/', () => {
  it.each([...configs])('%s is what our functions write', (path, text) => {
    const file = readFileSync(join(root, 'examples', path), 'utf8')
    expect(file, 'run `node --conditions=fleetcert-source scripts/example-configs.ts`').toBe(text)
  })

  it.each([
    ['emqx/5.8/emqx.conf', '5.8.9'],
    ['emqx/6.2/emqx.conf', '6.2.2'],
    ['haproxy/emqx/emqx.conf', '6.2.2'],
  ] as const)('%s is safe', (path, version) => {
    expect(lintEmqxConfig(configs.get(path)!, { version })).toEqual([])
  })

  it('those of EMQX 4.4 are safe together', () => {
    const text = configs.get('emqx/4.4/append-to-emqx.conf')! + configs.get('emqx/4.4/plugins/emqx_auth_http.conf')!
    expect(lintEmqxConfig(text, { version: '4.4' })).toEqual([])
  })

  it('the compose files mount what is there', () => {
    for (const name of ['emqx', 'mosquitto', 'haproxy/emqx', 'haproxy/mosquitto', 'haproxy/rabbitmq']) {
      const compose = readFileSync(join(root, 'examples', name, 'compose.yaml'), 'utf8')
      const mounts = [...compose.matchAll(/^\s+- \.\/(\S+?):\/(?=opt|usr|mosquitto|etc)/gm)].map(([, file]) =>
        file!.replace('${EMQX_LINE:-5.8}', '5.8'),
      )
      expect(mounts.length).toBeGreaterThan(0)
      for (const file of mounts) expect([...configs.keys()]).toContain(`${name}/${file}`)
    }
  })
})

describeWith(['haproxy'], 'examples/haproxy', () => {
  it.each(['emqx', 'mosquitto', 'rabbitmq'])('%s is taken by HAProxy', kind => {
    const folder = temporaryDirectory()
    try {
      // Outside of the compose file's network nobody knows these names.
      const text = configs
        .get(`haproxy/${kind}/haproxy.cfg`)!
        .replaceAll(/ (?:emqx|mosquitto|rabbitmq|hub)\d:/g, ' 127.0.0.1:')
        .replaceAll('/run/haproxy/', folder.path(''))
      writeFileSync(folder.path('haproxy.cfg'), text.replaceAll('maxconn 20000', 'maxconn 200'))
      const { status, output } = runTool('haproxy', ['-c', '-f', folder.path('haproxy.cfg')])
      expect(output).not.toMatch(/WARNING|ALERT/)
      expect(status).toBe(0)
    } finally {
      folder.remove()
    }
  })
})
