import { decodePem } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { readInput } from '../input/read-input.ts'
import { inspectBlock, inspectDer } from '../inspect/inspect-octets.ts'
import type { Inspected } from '../inspect/inspected.ts'
import { printable } from '../inspect/words.ts'
import { type ExitCode, exitCodes } from '../output/exit-codes.ts'
import { facts } from '../output/table.ts'

const titles: Readonly<Record<Inspected['type'], string>> = {
  certificate: 'certificate',
  certificationRequest: 'certification request (CSR)',
  crl: 'certificate revocation list (CRL)',
  ocspResponse: 'OCSP response',
  privateKey: 'private key',
  encryptedPrivateKey: 'private key',
  publicKey: 'public key',
  pkcs12: 'PKCS #12',
  unknown: 'something else',
}

export const addInspect: AddCommand = (program, run) => {
  program
    .command('inspect')
    .description(
      'what a file is, in words, and what is wrong with it: certificate, CSR, CRL, OCSP response, key, PKCS #12',
    )
    .argument('<file>', 'PEM or DER; - for standard input')
    .action(run(inspect))
}

async function inspect(context: CommandContext, file: string): Promise<ExitCode | undefined> {
  const { io, output } = context
  const octets = await readInput(file, io, 64 * 1024 * 1024)
  const now = new Date()
  const parts = octets[0] === 0x30 ? [inspectDer(octets, now)] : pemParts(octets, now)
  for (const [index, part] of parts.entries()) {
    const { type, findings } = part
    output.result(
      { type, ...part.facts, ...(findings === undefined ? {} : { findings }) },
      () => `${index === 0 ? '' : '\n'}${text(part, output)}`,
    )
  }
  return parts.some(({ type }) => type === 'unknown') ? exitCodes.checkFailed : undefined
}

function pemParts(octets: Buffer, now: Date): readonly Inspected[] {
  const blocks = decodePem(octets.toString('latin1'))
  if (blocks.length === 0) return [{ type: 'unknown', facts: { content: 'neither PEM nor DER' } }]
  return blocks.map(({ label, der }) => inspectBlock(label, der, now))
}

function text({ type, facts: said, findings = [] }: Inspected, output: CommandContext['output']): string {
  const pairs = Object.entries(said).map(
    ([name, value]) => [name, value === undefined ? value : printable(value)] as const,
  )
  const lines = findings.map(({ severity, message, rule, scope }) => {
    const word = scope === 'rfc' ? severity : 'note'
    return `${output.paint(word === 'error' ? 'red' : word === 'warning' ? 'yellow' : 'dim', word)}: ${message} (${rule})`
  })
  return [output.paint('bold', titles[type]), facts(pairs), ...lines].join('\n')
}
