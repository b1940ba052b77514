import { concatenate, type HoconNode, type HoconObject, put } from './hocon-node.ts'
import { type HoconToken, refuse, scanHocon } from './hocon-tokens.ts'

/** What a file says, and where it says that more stands elsewhere. @internal */
export interface HoconFile {
  readonly root: HoconObject
  /** Lines of `include`. */
  readonly includes: readonly number[]
}

/** Far above what EMQX's own files have. */
const deepest = 64

/**
 * Reads HOCON the way EMQX does: the later of two values counts, objects are merged, `a.b` is a path and `"a.b"` is not, line ends mean nothing. Variables and includes are not followed. Linear in the length.
 *
 * @throws PkiError `ERR_PKI_BROKER_CONFIG` for what is not HOCON, or is nested deeper than 64
 * @internal
 */
export function readHocon(text: string): HoconFile {
  const reader = new Reader(scanHocon(text))
  return reader.file()
}

class Reader {
  readonly #tokens: readonly HoconToken[]
  readonly #includes: number[] = []
  #at = 0

  constructor(tokens: readonly HoconToken[]) {
    this.#tokens = tokens
  }

  file(): HoconFile {
    const hasBraces = this.#tokens[0]?.type === '{'
    if (hasBraces) this.#at = 1
    const root = this.#fields(1, hasBraces ? '}' : undefined, 0)
    if (this.#at < this.#tokens.length) refuse(this.#line(), 'something after the end')
    return { root, includes: this.#includes }
  }

  #line(): number {
    return (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1
  }

  #fields(line: number, end: '}' | undefined, depth: number): HoconObject {
    if (depth > deepest) refuse(line, 'nested too deep')
    const object: HoconObject = { type: 'object', line, entries: new Map() }
    for (let isFirst = true; ; isFirst = false) {
      let token = this.#tokens[this.#at]
      if (!isFirst && token?.type === ',') {
        token = this.#tokens[++this.#at]
        if (token === undefined) refuse(this.#line(), 'a comma before the end')
      }
      if (token === undefined) {
        if (end !== undefined) refuse(this.#line(), 'a brace that is not closed')
        return object
      }
      if (token.type === '}' && end === '}') {
        this.#at += 1
        return object
      }
      if (token.type === 'include') this.#include()
      else this.#field(object, depth)
    }
  }

  #include(): void {
    const { line } = this.#tokens[this.#at]!
    const file = this.#tokens[++this.#at]
    // `include required("…")` is refused: EMQX's own scanner does not get past it in all releases.
    if (file?.type !== 'string') refuse(line, 'include without a file in quotes')
    this.#at += 1
    this.#includes.push(line)
  }

  #field(object: HoconObject, depth: number): void {
    const token = this.#tokens[this.#at]!
    if (token.type !== 'string' || !this.#isKey()) refuse(token.line, 'neither a key nor an end')
    this.#at += 1
    // EMQX takes any number of them.
    while (this.#tokens[this.#at]?.type === '=') this.#at += 1
    const path = token.isQuoted ? [token.text] : token.text.split('.').filter(part => part !== '')
    if (path.length === 0) refuse(token.line, 'a key without a name')
    if (depth + path.length > deepest) refuse(token.line, 'nested too deep')
    put(object, path, this.#value(depth + path.length), token.line)
  }

  /** Whether a string is a key, which shows only behind it. */
  #isKey(): boolean {
    const next = this.#tokens[this.#at + 1]?.type
    return next === '=' || next === '{'
  }

  #value(depth: number): HoconNode {
    const token = this.#tokens[this.#at]
    if (token === undefined) refuse(this.#line(), 'a key without a value')
    if (token.type === 'primitive') {
      this.#at += 1
      return { type: 'value', line: token.line, value: token.value }
    }
    return concatenate(this.#parts(depth), token.line)
  }

  /** What stands side by side is joined. */
  #parts(depth: number): HoconNode[] {
    const parts: HoconNode[] = []
    for (;;) {
      const token = this.#tokens[this.#at]
      const before = this.#tokens[this.#at - 1]
      switch (token?.type) {
        case 'string':
          if (this.#isKey()) return parts
          this.#at += 1
          parts.push({ type: 'value', line: token.line, value: token.text })
          break
        case 'variable':
          this.#at += 1
          parts.push({ type: 'unknown', line: token.line })
          break
        case '{':
          // A brace on another line is another element.
          if (parts.length > 0 && before?.type === '}' && before.line !== token.line) return parts
          this.#at += 1
          parts.push(this.#fields(token.line, '}', depth + 1))
          break
        case '[':
          this.#at += 1
          parts.push(this.#elements(token.line, depth + 1))
          break
        default:
          return parts
      }
    }
  }

  #elements(line: number, depth: number): HoconNode {
    if (depth > deepest) refuse(line, 'nested too deep')
    const items: HoconNode[] = []
    for (;;) {
      if (items.length > 0 && this.#tokens[this.#at]?.type === ',') this.#at += 1
      if (this.#tokens[this.#at]?.type === ']') {
        this.#at += 1
        return { type: 'array', line, items }
      }
      items.push(this.#value(depth))
    }
  }
}
