import { mkdirSync, writeFileSync } from 'node:fs'
import { runTool, temporaryDirectory } from '../../../../test-support/tools.ts'

export const modulePath = '/usr/lib/softhsm/libsofthsm2.so'
export const pin = '1234'

/** SoftHSM with tokens of its own, in a folder. A process has one at a time: its keyrings are closed before there is another. */
export interface SoftHsm {
  /** The tokens' folder. */
  readonly tokens: string
  path(name: string): string
  addToken(label: string): void
  /** pkcs11-tool on a token: the judge. Throws unless it ends well. */
  tool(label: string, ...args: string[]): string
  remove(): void
}

export function makeSoftHsm(...labels: readonly string[]): SoftHsm {
  const folder = temporaryDirectory()
  const tokens = folder.path('tokens')
  mkdirSync(tokens)
  const configuration = folder.path('softhsm2.conf')
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  // The module reads it from the environment of the process when it is initialised.
  process.env['SOFTHSM2_CONF'] = configuration
  const run = (name: string, args: readonly string[]): string => {
    const { status, output } = runTool(name, args)
    if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${output}`)
    return output
  }
  const addToken = (label: string): void => {
    run('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', '5678'])
  }
  for (const label of labels) addToken(label)
  return {
    tokens,
    path: folder.path,
    addToken,
    tool: (label, ...args) =>
      run('pkcs11-tool', ['--module', modulePath, '--token-label', label, '--login', '--pin', pin, ...args]),
    remove() {
      folder.remove()
      delete process.env['SOFTHSM2_CONF']
    },
  }
}
