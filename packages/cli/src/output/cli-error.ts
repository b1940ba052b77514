import { type ExitCode, exitCodes } from './exit-codes.ts'

/** Why a command ends without having done what it was asked for. */
export interface CliFailure {
  /** Stable, for scripts. */
  readonly code: string
  /** One sentence. */
  readonly message: string
  /** How to mend it. */
  readonly hint?: string
  readonly exitCode: ExitCode
}

const brand = Symbol('fleetcert.cli')

/** An error that {@link failureOf} shows as it stands. */
export function cliError(failure: Omit<CliFailure, 'exitCode'> & { readonly exitCode?: ExitCode }): Error {
  return Object.assign(new Error(failure.message), { [brand]: { exitCode: exitCodes.failed, ...failure } })
}

/** The failure in an error of {@link cliError}. */
export function ownFailure(error: unknown): CliFailure | undefined {
  return error instanceof Error ? (error as Error & { readonly [brand]?: CliFailure })[brand] : undefined
}

/** A value on the command line that makes no sense. */
export function usageError(message: string, hint?: string): Error {
  return cliError({ code: 'USAGE', message, exitCode: exitCodes.usage, ...(hint === undefined ? {} : { hint }) })
}
