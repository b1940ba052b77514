import { checkText } from './config-values.ts'

/** One line, or several that belong together. @internal */
export type HoconLine = string

/** @internal */
export function block(name: string, lines: readonly HoconLine[]): string[] {
  return [`${name} {`, ...indent(lines), '}']
}

/** @internal */
export function list(name: string, items: readonly (readonly HoconLine[])[]): string[] {
  return [`${name} = [`, ...indent(items.flatMap(lines => ['{', ...indent(lines), '}'])), ']']
}

function indent(lines: readonly string[]): string[] {
  return lines.map(line => (line === '' ? '' : `  ${line}`))
}

/**
 * A HOCON string: JSON's syntax, in which `\${…}` is left to EMQX. One to a line as its last: EMQX's scanner takes the longest match, so after one that ends in a backslash it would go on to the next quote of the line.
 *
 * @internal
 */
export function quote(label: string, text: unknown): string {
  return JSON.stringify(checkText(label, text))
}
