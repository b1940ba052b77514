import { stdout } from 'node:process'

const colour = stdout.isTTY === true && process.env['NO_COLOR'] === undefined
const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)

/** One line per thing shown, with a mark and the time it took. */
export interface Report {
  /** Runs `check` and prints how it ended; what it resolves is appended to the line. */
  step(title: string, check: () => Promise<string | undefined>): Promise<boolean>
  /** For what this broker cannot show. */
  notApplicable(title: string, reason: string): void
  readonly failed: number
  readonly held: number
}

export function createReport(write: (line: string) => void = line => void stdout.write(`${line}\n`)): Report {
  let failed = 0
  let held = 0
  return {
    async step(title, check) {
      const start = performance.now()
      try {
        const detail = await check()
        held += 1
        const took = `${Math.round(performance.now() - start)} ms`
        write(
          `${paint(32, '✔')} ${title.padEnd(38)} ${paint(2, took.padStart(8))}${detail === undefined ? '' : `  ${detail}`}`,
        )
        return true
      } catch (error) {
        failed += 1
        const took = `${Math.round(performance.now() - start)} ms`
        write(
          `${paint(31, '✘')} ${title.padEnd(38)} ${paint(2, took.padStart(8))}  ${error instanceof Error ? error.message : String(error)}`,
        )
        return false
      }
    },
    notApplicable(title, reason) {
      write(`${paint(33, '–')} ${title.padEnd(38)} ${'n/a'.padStart(8)}  ${reason}`)
    },
    get failed() {
      return failed
    },
    get held() {
      return held
    },
  }
}
