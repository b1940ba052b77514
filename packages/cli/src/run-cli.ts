import { Command, CommanderError } from 'commander'
import { type CliIo, processIo } from './cli-io.ts'
import { commandContext, type RunCommand } from './command-context.ts'
import { commands } from './commands/index.ts'
import { exitCodes } from './output/exit-codes.ts'
import { failureOf } from './output/failure-of.ts'
import { createOutput } from './output/output.ts'
import { version } from './version.ts'

/** What the library says to programmers. */
const warnings: Readonly<Record<string, string>> = {
  FLEETCERT_UNENCRYPTED_KEY:
    'the keys of the CAs are not encrypted: whoever gets the files, or a backup of them, can sign. FLEETCERT_KEY_PASSPHRASE, set before init, encrypts them',
}

/**
 * Runs one command line; what the process is to end with. Never rejects.
 * @param args without the names of node and the program
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  // Known before the command line is understood: its errors are told in the same way.
  const output = createOutput(io, args.includes('--json'))
  let exitCode: number = exitCodes.ok
  const program = new Command('fleetcert')
    .description('Device certificates for MQTT fleets, in one folder.')
    .version(version)
    .option('--dir <folder>', 'the folder of the fleet', io.env['CERTS_DIR'] ?? 'certs')
    .option('--json', 'results as JSON, one document a line')
    .exitOverride()
    .configureOutput({ writeOut: text => void io.stdout.write(text), writeErr: () => {} })
    .showHelpAfterError(false)
    .showSuggestionAfterError(true)
    .helpCommand('help [command]', 'what a command does')
  const run: RunCommand =
    work =>
    async (...input) => {
      const command = input.at(-1) as Command
      const { dir } = command.optsWithGlobals<{ readonly dir: string }>()
      const values = input.slice(0, -1) as never
      exitCode = (await work(commandContext(io, output, dir), ...values)) ?? exitCodes.ok
    }
  for (const add of commands) add(program, run)
  try {
    if (args.length === 0)
      throw new CommanderError(exitCodes.usage, 'fleetcert.noCommand', 'no command: fleetcert help lists them')
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok
      const message = error.message.replace(/^error: /, '')
      output.failure({ code: 'USAGE', message, exitCode: exitCodes.usage })
      return exitCodes.usage
    }
    const failure = failureOf(error, io.signal)
    output.failure(failure)
    return failure.exitCode
  }
}

/** Runs the process's own command line and sets its exit code. */
export async function main(): Promise<void> {
  // Whoever reads has seen enough, as `head` does: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    throw error
  })
  // One line for each, and no hint at a stack trace.
  process.removeAllListeners('warning')
  process.on('warning', (warning: Error & { readonly code?: string }) => {
    if (warning.name === 'ExperimentalWarning') return
    const message = (warning.code === undefined ? undefined : warnings[warning.code]) ?? warning.message
    process.stderr.write(`fleetcert: warning: ${message.replace(/[\r\n]+/g, ' ')}\n`)
  })
  process.exitCode = await runCli(process.argv.slice(2), processIo())
}
