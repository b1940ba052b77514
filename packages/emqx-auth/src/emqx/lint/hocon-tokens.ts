import { PkiError } from '@fleetcert/core'

/** A token of HOCON as EMQX's own scanner (github.com/emqx/hocon) cuts them. @internal */
export type HoconToken =
  | { readonly type: '{' | '}' | '[' | ']' | ',' | '='; readonly line: number }
  | { readonly type: 'string'; readonly line: number; readonly text: string; readonly isQuoted: boolean }
  | { readonly type: 'primitive'; readonly line: number; readonly value: number | boolean | null }
  | { readonly type: 'variable' | 'include'; readonly line: number }

/** Longer texts are refused unread. @internal */
export const maximumConfigOctets = 1_048_576

/** @internal */
export function refuse(line: number, reason: string): never {
  throw new PkiError('ERR_PKI_BROKER_CONFIG', { line, reason: `line ${line}: ${reason}` })
}

// None of these can match in two ways, so each takes time linear in what it takes.
const space = /[\t\v\f \u00a0\r\u2028\u2029]+/y
const comment = /(?:#|\/\/)[^\n\r\u2028\u2029]*/y
const word = /[A-Za-z][A-Za-z0-9_.@%\-|]*/y
const number = /(?:[+-]?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?)?|\.[0-9]+)/y
const unit = /(?:kb|KB|mb|MB|gb|GB|ms|MS|[bBdDhHmMsS%])/y
const variable = /\$\{\??[A-Za-z][A-Za-z0-9_.@%\-|]*\}/y

/**
 * Cuts a text into tokens, in time linear in its length.
 *
 * @throws PkiError `ERR_PKI_BROKER_CONFIG` for what EMQX's scanner does not take
 * @internal
 */
export function scanHocon(text: string): HoconToken[] {
  const tokens: HoconToken[] = []
  let line = 1
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    const first = text[at]!
    switch (first) {
      case '\n':
        line += 1
        at += 1
        continue
      case '{':
      case '}':
      case '[':
      case ']':
      case ',':
      case '=':
      case ':':
        tokens.push({ type: first === ':' ? '=' : first, line })
        at += 1
        continue
      case '"': {
        const isLong = text.startsWith('"""', at)
        const { value, end } = isLong ? multiLine(text, at, line) : oneLine(text, at, line)
        tokens.push({ type: 'string', line, text: value, isQuoted: true })
        if (isLong) line += text.slice(at, end).split('\n').length - 1
        at = end
        continue
      }
    }
    if (take(space) !== undefined || take(comment) !== undefined) continue
    if (take(variable) !== undefined) {
      tokens.push({ type: 'variable', line })
      continue
    }
    const name = take(word)
    if (name !== undefined) {
      tokens.push(wordToken(name, line))
      continue
    }
    const digits = take(number)
    if (digits === undefined) refuse(line, 'a character that stands for nothing outside of quotes')
    // A sign or a fraction has no unit: `-5s` are two tokens.
    const suffix = /^[0-9]+$/.test(digits) ? take(unit) : undefined
    if (suffix !== undefined) tokens.push({ type: 'string', line, text: digits + suffix, isQuoted: true })
    else if (Number.isFinite(Number(digits))) tokens.push({ type: 'primitive', line, value: Number(digits) })
    else refuse(line, 'a number that is too large')
  }
  return tokens
}

function wordToken(name: string, line: number): HoconToken {
  switch (name) {
    case 'true':
    case 'false':
      return { type: 'primitive', line, value: name === 'true' }
    case 'null':
      return { type: 'primitive', line, value: null }
    case 'include':
      return { type: 'include', line }
    default:
      return { type: 'string', line, text: name, isQuoted: false }
  }
}

/**
 * EMQX's scanner takes the longest match, and a backslash is a character like others: the string ends at the first quote that has no backslash before it, or else at the last one of the line that has.
 * `"a\\"` is one string where no quote follows on its line, and something else where one does.
 */
function oneLine(text: string, start: number, line: number): { value: string; end: number } {
  let last = -1
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0a || code === 0x0d || code === 0x2028 || code === 0x2029) break
    if (code !== 0x22) continue
    last = at
    if (text.charCodeAt(at - 1) !== 0x5c || at === start + 1) break
  }
  if (last === -1) refuse(line, 'a string that does not end on its line')
  return { value: unescapeText(text.slice(start + 1, last), line), end: last + 1 }
}

function multiLine(text: string, start: number, line: number): { value: string; end: number } {
  const end = text.indexOf('"""', start + 3)
  if (end === -1 || text[end + 3] === '"') refuse(line, 'a string of three quotes without its end')
  const value = text.slice(start + 3, end)
  return { value: /^~\r?\n/.test(value) ? unindent(value.slice(value.indexOf('\n') + 1)) : value, end: end + 3 }
}

/** `"""~` drops what all lines are indented by, and a `~` before the closing quotes. */
function unindent(text: string): string {
  const lines = text.split('\n')
  const last = lines.length - 1
  if (lines[last]!.endsWith('~')) lines[last] = lines[last]!.slice(0, -1)
  const indents = lines.map(line => (/^\r?$/.test(line) ? Number.POSITIVE_INFINITY : line.search(/[^ ]|$/)))
  const drop = last === 0 ? finite(indents[0]!) : commonIndent(lines[last]!, indents)
  return lines.map(line => line.replace(/^ */, spaces => spaces.slice(drop))).join('\n')
}

/** The last line may be indented less than the others if it is nothing but spaces. */
function commonIndent(lastLine: string, indents: readonly number[]): number {
  const others = finite(indents.slice(0, -1).reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY))
  return /^ +$/.test(lastLine) ? others : Math.min(others, indents.at(-1)!)
}

function finite(indent: number): number {
  return Number.isFinite(indent) ? indent : 0
}

const escapes: Readonly<Record<string, string>> = {
  '\\\\': '\\',
  '\\"': '"',
  '\\n': '\n',
  '\\t': '\t',
  '\\r': '\r',
  '\\b': '\b',
  '\\f': '\f',
}

/** An escape that is none stays as it stands. */
function unescapeText(text: string, line: number): string {
  if (!text.includes('\\')) return text
  const value = text.replace(/\\(?:u([0-9A-Fa-f]{4})|u|[\\"ntrbf])/g, (whole, hex?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return escapes[whole] ?? refuse(line, 'an escape that is none')
  })
  if (!value.isWellFormed()) refuse(line, 'half of a character')
  return value
}
