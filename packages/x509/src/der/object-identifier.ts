import { derTag } from './tag.ts'
import { allocateElement } from './tlv.ts'

/** A UUID arc under 2.25 has 128 bits, 19 octets of seven bits each: the longest arc in honest use. */
const maxArcOctets = 19
/** Bounds the work per identifier, whatever its encoding says: reading is linear in at most this many octets. */
const maxContentOctets = 128
const maxSafeArcOctets = 7

/** OBJECT IDENTIFIER from its dotted form. Throws TypeError if it is not one (two arcs at least, X.660 bounds on the first two, no leading zeros). */
export function objectIdentifier(dotted: string): Uint8Array {
  const arcs = dotted.split('.')
  if (arcs.length < 2 || dotted.length > 4 * maxContentOctets) throw notAnObjectIdentifier()
  const content: number[] = []
  const first = readArc(arcs[0]!)
  const second = readArc(arcs[1]!)
  if (first > 2n || (first < 2n && second > 39n)) throw notAnObjectIdentifier()
  pushArc(content, first * 40n + second)
  for (let index = 2; index < arcs.length; index++) pushArc(content, readArc(arcs[index]!))
  if (content.length > maxContentOctets) throw notAnObjectIdentifier()
  const { bytes, offset } = allocateElement(derTag.objectIdentifier, content.length)
  bytes.set(content, offset)
  return bytes
}

/**
 * The dotted form of an OBJECT IDENTIFIER's content octets, or what is wrong with them. Each octet is looked at once, at most 128 of them.
 *
 * @internal
 */
export function decodeObjectIdentifier(bytes: Uint8Array, start: number, end: number): string | { reason: string } {
  if (start === end) return { reason: 'empty object identifier' }
  if (end - start > maxContentOctets) return { reason: 'object identifier too long' }
  let dotted = ''
  let index = start
  while (index < end) {
    const arcStart = index
    // X.690 section 8.19.2: "the leading octet of the subidentifier shall not have the value 0x80".
    if (bytes[index] === 0x80) return { reason: 'object identifier arc not minimal' }
    let value = 0
    while (bytes[index]! & 0x80) {
      value = value * 128 + (bytes[index]! & 0x7f)
      if (++index === end) return { reason: 'object identifier arc truncated' }
    }
    value = value * 128 + bytes[index]!
    index++
    const octets = index - arcStart
    if (octets > maxArcOctets) return { reason: 'object identifier arc too large' }
    const arc = octets > maxSafeArcOctets ? bigArc(bytes, arcStart, index) : value
    if (arcStart > start) dotted += `.${arc}`
    else if (typeof arc === 'number') dotted = arc < 80 ? `${arc < 40 ? 0 : 1}.${arc % 40}` : `2.${arc - 80}`
    else dotted = `2.${arc - 80n}`
  }
  return dotted
}

function bigArc(bytes: Uint8Array, start: number, end: number): bigint {
  let value = 0n
  for (let index = start; index < end; index++) value = (value << 7n) | BigInt(bytes[index]! & 0x7f)
  return value
}

function readArc(text: string): bigint {
  if (text.length === 0 || text.length > 40 || (text.length > 1 && text[0] === '0')) throw notAnObjectIdentifier()
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x30 || code > 0x39) throw notAnObjectIdentifier()
  }
  return BigInt(text)
}

function pushArc(content: number[], arc: bigint): void {
  const octets: number[] = []
  let rest = arc
  do {
    octets.push(Number(rest & 0x7fn) | (octets.length > 0 ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  if (octets.length > maxArcOctets) throw notAnObjectIdentifier()
  for (let index = octets.length - 1; index >= 0; index--) content.push(octets[index]!)
}

function notAnObjectIdentifier(): TypeError {
  return new TypeError('"dotted" must be an object identifier such as 2.5.4.3')
}
