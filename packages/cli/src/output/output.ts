import { styleText } from 'node:util'
import type { CliIo } from '../cli-io.ts'
import type { CliFailure } from './cli-error.ts'

/** What a command says. With `--json` standard output holds JSON alone, one document a line. */
export interface Output {
  readonly json: boolean
  /** A result: `value` as JSON, or the text. */
  result(value: unknown, text: string | (() => string)): void
  /** Octets or a file's text, as they are. */
  raw(content: string | Uint8Array): void
  /** For people: to standard error, and nothing with `--json`. */
  note(text: string): void
  /** What went wrong: to standard error. */
  failure(failure: CliFailure): void
  /** In colour on a terminal. */
  paint(style: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string
}

export function createOutput({ stdout, stderr, env }: CliIo, json: boolean): Output {
  const isColoured = !json && stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  const line = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)
  return {
    json,
    result(value, text) {
      stdout.write(json ? `${JSON.stringify(value)}\n` : line(typeof text === 'string' ? text : text()))
    },
    raw(content) {
      stdout.write(content)
    },
    note(text) {
      if (!json) stderr.write(line(text))
    },
    failure({ code, message, hint }) {
      if (json) {
        stderr.write(`${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`)
      } else {
        // One line, whatever a message was made of.
        const told = `fleetcert: ${message}${hint === undefined ? '' : ` – ${hint}`}`
        stderr.write(`${told.replace(/[\r\n]+/g, ' ')}\n`)
      }
    },
    paint: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
  }
}
