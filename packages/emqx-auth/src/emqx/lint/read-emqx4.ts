import { refuse } from './hocon-tokens.ts'

/** One line of EMQX 4.x's files. @internal */
export interface Emqx4Line {
  readonly value: string
  readonly line: number
}

/** Whether a text is of EMQX 4.x, whose roots EMQX 5 does not have. @internal */
export function isEmqx4(text: string): boolean {
  return /^[ \t]*(?:auth\.http\.|listener\.(?:tcp|ssl|ws|wss)\.|zone\.|allow_anonymous\b|acl_nomatch\b)[^\n{]*=/m.test(
    text,
  )
}

/**
 * Reads `key = value` lines, of which the last for a key counts; a `#` begins a comment. Linear in the length.
 *
 * @throws PkiError `ERR_PKI_BROKER_CONFIG` for a line that is neither
 * @internal
 */
export function readEmqx4(text: string): ReadonlyMap<string, Emqx4Line> {
  const settings = new Map<string, Emqx4Line>()
  for (const [index, whole] of text.split('\n').entries()) {
    const line = index + 1
    const hash = whole.indexOf('#')
    const content = (hash === -1 ? whole : whole.slice(0, hash)).trim()
    if (content === '') continue
    const equals = content.indexOf('=')
    const key = content.slice(0, Math.max(equals, 0)).trimEnd()
    if (!/^[A-Za-z0-9_$.-]+$/.test(key)) refuse(line, 'neither a comment nor a setting')
    settings.delete(key)
    settings.set(key, { value: content.slice(equals + 1).trimStart(), line })
  }
  return settings
}
