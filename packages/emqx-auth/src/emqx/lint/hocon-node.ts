import { refuse } from './hocon-tokens.ts'

/** A value of a HOCON file with the line where it stands. @internal */
export type HoconNode =
  | HoconObject
  | { readonly type: 'array'; readonly line: number; readonly items: HoconNode[] }
  | { readonly type: 'value'; readonly line: number; readonly value: string | number | boolean | null }
  /** What a variable stands for is not seen here. */
  | { readonly type: 'unknown'; readonly line: number }

/** @internal */
export interface HoconObject {
  readonly type: 'object'
  readonly line: number
  readonly entries: Map<string, HoconNode>
}

/** What stands side by side. @internal */
export function concatenate(parts: readonly HoconNode[], line: number): HoconNode {
  const [first] = parts
  if (first === undefined) refuse(line, 'a value is missing')
  if (parts.length === 1) return first
  if (parts.some(part => part.type === 'unknown')) return { type: 'unknown', line }
  if (parts.every(part => part.type === 'value')) {
    return { type: 'value', line, value: parts.map(part => part.value).join('') }
  }
  if (parts.every(part => part.type === 'array')) {
    return { type: 'array', line, items: parts.flatMap(part => part.items) }
  }
  if (parts.every(part => part.type === 'object')) {
    const joined: HoconObject = { type: 'object', line, entries: new Map() }
    for (const part of parts) merge(joined, part)
    return joined
  }
  return refuse(line, 'values of different kinds side by side')
}

/** Sets a value at a path below an object: the later of two counts, objects are merged. @internal */
export function put(object: HoconObject, path: readonly string[], node: HoconNode, line: number): void {
  let container: HoconNode = object
  for (const [index, name] of path.entries()) {
    const isLast = index === path.length - 1
    const found = child(container, name)
    let next: HoconNode
    if (!isLast) {
      const isContainer = found?.type === 'object' || (found?.type === 'array' && /^[1-9]\d*$/.test(path[index + 1]!))
      next = isContainer ? found : { type: 'object', line, entries: new Map() }
    } else if (found?.type === 'object' && node.type === 'object') {
      merge(found, node)
      return
    } else if (found?.type === 'array' && node.type === 'object' && isIndexed(node)) {
      for (const [key, item] of node.entries) put(object, [...path, key], item, item.line)
      return
    } else {
      next = node
    }
    if (next !== found) setChild(container, name, next, line)
    container = next
  }
}

function merge(into: HoconObject, from: HoconObject): void {
  for (const [name, node] of from.entries) put(into, [name], node, node.line)
}

function isIndexed({ entries }: HoconObject): boolean {
  return entries.size > 0 && [...entries.keys()].every(key => /^[1-9]\d*$/.test(key))
}

/** `a.1` is the first item of an array `a`. */
function child(container: HoconNode, name: string): HoconNode | undefined {
  if (container.type === 'object') return container.entries.get(name)
  if (container.type === 'array' && /^[1-9]\d*$/.test(name)) return container.items[Number(name) - 1]
  return undefined
}

function setChild(container: HoconNode, name: string, node: HoconNode, line: number): void {
  if (container.type === 'object') container.entries.set(name, node)
  else if (container.type === 'array') {
    const index = Number(name) - 1
    if (index > container.items.length) refuse(line, 'an index beyond the end of an array')
    container.items[index] = node
  }
}
