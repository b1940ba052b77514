/** What the process ends with. */
export const exitCodes: {
  readonly ok: 0
  readonly failed: 1
  readonly usage: 2
  readonly notFound: 3
  readonly checkFailed: 4
  readonly unavailable: 5
  readonly interrupted: 130
} = {
  /** Done. */
  ok: 0,
  /** Refused or failed; the line on standard error says why. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** There is no such device, certificate, file or fleet. */
  notFound: 3,
  /** What was to be checked is not good. */
  checkFailed: 4,
  /** Something that is needed is away: try again. */
  unavailable: 5,
  /** Ctrl-C. */
  interrupted: 130,
}

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
