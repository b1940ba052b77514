import type { AddCommand, CommandContext } from '../command-context.ts'
import type { ExitCode } from '../output/exit-codes.ts'
import { table } from '../output/table.ts'

export const addIssuers: AddCommand = (program, run) => {
  program.command('issuers').description('the CAs that the fleet has had').action(run(issuers))
}

async function issuers(context: CommandContext): Promise<ExitCode | undefined> {
  const { output } = context
  return context.withFleet(async fleet => {
    const rows: string[][] = []
    for await (const issuer of fleet.issuers()) {
      const { issuerKeyId, role, state, notAfter } = issuer
      if (output.json) output.result(issuer, '')
      else rows.push([role, state, notAfter.toISOString(), issuerKeyId])
    }
    if (!output.json) output.result(rows, table(['ROLE', 'STATE', 'VALID UNTIL', 'KEY ID'], rows))
    return undefined
  })
}
