import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type EmqxVersion, lintEmqxConfig } from '@fleetcert/emqx-auth'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { readInput } from '../input/read-input.ts'
import { type ExitCode, exitCodes } from '../output/exit-codes.ts'

interface LintOptions {
  readonly emqx?: string
  readonly device?: string
}

const limitBytes = 1024 * 1024

export const addLintBroker: AddCommand = (program, run) => {
  program
    .command('lint-broker')
    .description('what is dangerous in a configuration of EMQX')
    .argument('<file>', 'emqx.conf; of 4.x with the HTTP plugin’s file behind it; - for standard input')
    .option('--emqx <version>', 'default: judged by the release that is the most dangerous with it')
    .option('--device <file>', 'a device’s certificate: whether its CRL can be checked with this')
    .action(run(lintBroker))
}

async function lintBroker(context: CommandContext, file: string, options: LintOptions): Promise<ExitCode | undefined> {
  const { io, output } = context
  const text = (await readInput(file, io, limitBytes)).toString('utf8')
  const device = options.device === undefined ? undefined : await readInput(options.device, io, 64 * 1024)
  const findings = lintEmqxConfig(text, {
    ...(options.emqx === undefined ? {} : { version: options.emqx as EmqxVersion }),
    ...(device === undefined ? {} : { deviceCertificate: device[0] === 0x30 ? device : device.toString('latin1') }),
    files: await namedFiles(text, file === '-' ? io.cwd : dirname(resolve(io.cwd, file))),
  })
  for (const finding of findings) {
    const { severity, line, setting, message, fix, rule } = finding
    output.result(finding, () => {
      const word = output.paint(severity === 'error' ? 'red' : 'yellow', severity)
      return `${file}:${line}: ${word}: ${setting}: ${message} ${fix} (${rule})`
    })
  }
  if (findings.length === 0) output.note('nothing found')
  return findings.some(({ severity }) => severity === 'error') ? exitCodes.checkFailed : undefined
}

/** PEM files beside the configuration that it names; the order of the certificates in them matters to EMQX. Those that are not here are not judged. */
async function namedFiles(text: string, beside: string): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {}
  for (const [path] of text.matchAll(/[^\s"'=]{1,512}\.pem\b/g)) {
    if (path === undefined || Object.hasOwn(files, path) || /key/i.test(path)) continue
    const content = await readFile(resolve(beside, path), 'utf8').catch(() => undefined)
    if (content !== undefined && content.length <= limitBytes) files[path] = content
  }
  return files
}
