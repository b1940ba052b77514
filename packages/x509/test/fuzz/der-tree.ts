import { concat, tlv } from '../../src/der/index.ts'

/** A lenient view of DER for whoever changes it: an element's children if it is constructed, or if its string holds elements. */
export interface DerNode {
  readonly tag: number
  /** What stands in front of the children: the unused-bits octet of a BIT STRING. */
  readonly prefix: readonly number[]
  readonly content: Uint8Array
  children: DerNode[] | undefined
}

const octetStringTag = 0x04
const bitStringTag = 0x03
const maxDepth = 48

/** The elements of `bytes`, or `undefined` if it is not a row of elements with definite lengths. `inStrings`: also of those that a BIT STRING or OCTET STRING holds. */
export function readTree(bytes: Uint8Array, inStrings = true, depth = 0): DerNode[] | undefined {
  const nodes: DerNode[] = []
  let offset = 0
  while (offset < bytes.length) {
    if (bytes.length - offset < 2) return undefined
    const tag = bytes[offset]!
    let length = bytes[offset + 1]!
    offset += 2
    if (length > 0x80) {
      const octets = length & 0x7f
      if (octets > 3 || bytes.length - offset < octets) return undefined
      length = 0
      for (let index = 0; index < octets; index++) length = length * 256 + bytes[offset++]!
    } else if (length === 0x80) return undefined
    if (length > bytes.length - offset) return undefined
    const content = bytes.subarray(offset, offset + length)
    nodes.push(readNode(tag, content, inStrings, depth))
    offset += length
  }
  return nodes
}

function readNode(tag: number, content: Uint8Array, inStrings: boolean, depth: number): DerNode {
  const prefix = inStrings && tag === bitStringTag && content[0] === 0 ? [0] : []
  const mayNest = tag & 0x20 || (inStrings && tag === octetStringTag) || prefix.length > 0
  const inner =
    mayNest && depth < maxDepth ? readTree(content.subarray(prefix.length), inStrings, depth + 1) : undefined
  // An empty string holds nothing, an empty SEQUENCE holds no elements.
  const children = inner !== undefined && (inner.length > 0 || tag & 0x20) ? inner : undefined
  return { tag, prefix, content, children }
}

/** The octets of `nodes`, each length in its shortest form. */
export function writeTree(nodes: readonly DerNode[]): Uint8Array {
  return concat(nodes.map(writeNode))
}

function writeNode({ tag, prefix, content, children }: DerNode): Uint8Array {
  if (children === undefined) return tlv(tag, content)
  return prefix.length === 0 ? tlv(tag, writeTree(children)) : tlv(tag, Uint8Array.from(prefix), writeTree(children))
}

/** Every list of siblings in `nodes`, at all depths, itself first. */
export function siblingLists(nodes: DerNode[]): DerNode[][] {
  const lists = [nodes]
  for (let index = 0; index < lists.length; index++) {
    for (const { children } of lists[index]!) if (children !== undefined) lists.push(children)
  }
  return lists
}
