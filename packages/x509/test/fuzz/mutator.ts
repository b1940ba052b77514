import {
  boolean,
  context,
  enumerated,
  ia5String,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  set,
  tlv,
  utf8String,
} from '../../src/der/index.ts'
import { mutate } from '../support/random.ts'
import { type DerNode, readTree, siblingLists, writeTree } from './der-tree.ts'

type Random = (below: number) => number

/** Makes another input of one, with pieces of `other` perhaps. Never longer than `maxLength`. */
export type Mutator = (bytes: Uint8Array, other: Uint8Array, random: Random, maxLength: number) => Uint8Array

const text = (value: string) => new TextEncoder().encode(value)

/** Elements that a reader tells apart from others. */
const elements: readonly Uint8Array[] = [
  boolean(true),
  boolean(false),
  nullValue(),
  integer(0),
  integer(1),
  integer(2),
  tlv(0x02, Uint8Array.of(0xff)),
  integer(2n ** 31n),
  integer(2n ** 160n - 1n),
  enumerated(1),
  enumerated(10),
  octetString(new Uint8Array()),
  octetString(sequence()),
  sequence(),
  set(),
  sequence(sequence()),
  context(0, true),
  context(0, false, Uint8Array.of(1)),
  context(1, false, text('a@a.example')),
  context(2, false, text('a.example')),
  context(3, true, sequence()),
  context(4, true, sequence()),
  context(6, false, text('urn:a')),
  context(7, false, Uint8Array.of(192, 0, 2, 1)),
  context(7, false, new Uint8Array(16)),
  context(8, false, Uint8Array.of(0x2a)),
  utf8String('ä€😀'),
  printableString('DE'),
  ia5String('a'),
  tlv(0x14, Uint8Array.of(0xe4)),
  tlv(0x1e, Uint8Array.of(0x20, 0xac)),
  tlv(0x1c, Uint8Array.of(0, 1, 0xf6, 0)),
  tlv(0x12, text('12')),
  tlv(0x1a, text('a')),
  tlv(0x17, text('490101000000Z')),
  tlv(0x17, text('500101000000Z')),
  tlv(0x18, text('20500101000000Z')),
  tlv(0x18, text('99991231235959Z')),
  tlv(0x03, Uint8Array.of(7, 0x80)),
  tlv(0x03, Uint8Array.of(0)),
  ...[
    '2.5.4.3',
    '2.5.4.6',
    '2.5.4.5',
    '0.9.2342.19200300.100.1.25',
    '1.2.840.113549.1.9.1',
    '2.5.29.14',
    '2.5.29.15',
    '2.5.29.17',
    '2.5.29.18',
    '2.5.29.19',
    '2.5.29.20',
    '2.5.29.21',
    '2.5.29.24',
    '2.5.29.27',
    '2.5.29.28',
    '2.5.29.29',
    '2.5.29.30',
    '2.5.29.31',
    '2.5.29.35',
    '2.5.29.37',
    '1.3.6.1.5.5.7.1.1',
    '1.3.6.1.5.5.7.48.1',
    '1.3.6.1.5.5.7.48.2',
    '1.2.840.113549.1.9.7',
    '1.2.840.113549.1.9.14',
    '1.3.6.1.4.1.311.2.1.14',
    '1.2.840.10045.2.1',
    '1.2.840.10045.3.1.7',
    '1.3.132.0.34',
    '1.3.132.0.35',
    '1.2.840.113549.1.1.1',
    '1.2.840.113549.1.1.11',
    '1.3.101.112',
    '2.25.340282366920938463463374607431768211455',
  ].map(objectIdentifier),
]
const interestingTags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0x82, 0xa0, 0xa1,
  0xa3,
]

/** Changes DER as DER: whole elements move, lengths stay right. Now and then it damages octets too. */
export const mutateDer: Mutator = (bytes, other, random, maxLength) => {
  let result = bytes
  if (random(8) > 0) {
    for (let times = random(4) === 0 ? 2 : 1; times > 0; times--) result = mutateTree(result, other, random, maxLength)
  }
  if (result === bytes || random(6) === 0) result = mutateOctets(result, random)
  return result.length > maxLength ? bytes : result
}

function mutateTree(bytes: Uint8Array, other: Uint8Array, random: Random, maxLength: number): Uint8Array {
  const tree = readTree(bytes)
  if (tree === undefined) return mutateOctets(bytes, random)
  const lists = siblingLists(tree)
  const siblings = lists[random(lists.length)]!
  const at = random(siblings.length + 1)
  const node = siblings[at]
  const insert = (piece: readonly DerNode[]) => siblings.splice(at, random(2), ...piece)
  switch (random(9)) {
    case 0:
      siblings.splice(at, 1)
      break
    case 1:
      if (node !== undefined) insert([node, node])
      break
    case 2: {
      // Many of one: what grows faster than the input shows.
      if (node === undefined) break
      const size = writeTree([node]).length
      const room = Math.max(2, Math.floor((maxLength - bytes.length) / size))
      insert(new Array<DerNode>(1 + random(2 ** (1 + random(Math.ceil(Math.log2(room)))))).fill(node))
      break
    }
    case 3:
      insert(readTree(elements[random(elements.length)]!)!)
      break
    case 4: {
      const otherTree = readTree(other)
      if (otherTree === undefined) break
      const otherLists = siblingLists(otherTree).filter(list => list.length > 0)
      if (otherLists.length === 0) break
      const list = otherLists[random(otherLists.length)]!
      insert([list[random(list.length)]!])
      break
    }
    case 5:
      if (node !== undefined) siblings[at] = { ...node, tag: interestingTags[random(interestingTags.length)]! }
      break
    case 6:
      if (node !== undefined) {
        const content = mutateOctets(node.content, random)
        siblings[at] = { ...node, prefix: [], content, children: undefined }
      }
      break
    case 7:
      // One deeper, or many.
      if (node !== undefined) {
        let wrapped = node
        for (let times = random(3) === 0 ? random(40) : 0; times >= 0; times--) {
          wrapped = { tag: 0x30, prefix: [], content: new Uint8Array(), children: [wrapped] }
        }
        siblings[at] = wrapped
      }
      break
    default: {
      const partner = random(siblings.length + 1)
      const swapped = siblings[partner]
      if (node !== undefined && swapped !== undefined) {
        siblings[at] = swapped
        siblings[partner] = node
      }
    }
  }
  return writeTree(tree)
}

function mutateOctets(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.length === 0 ? Uint8Array.of(random(256)) : mutate(bytes, random)
}

const lines = [
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  '-----BEGIN NEW CERTIFICATE REQUEST-----',
  '-----BEGIN X-----',
  '-----END X-----',
  '-----BEGIN -----',
  '-----END',
  '-----',
  'AAAA',
  'AA==',
  'AB==',
  'A===',
  'Proc-Type: 4,ENCRYPTED',
  '',
  ' ',
  '\r',
]

/** Changes text line by line. Now and then it damages characters too. */
export const mutateText: Mutator = (bytes, other, random, maxLength) => {
  const rows = Buffer.from(bytes).toString('latin1').split('\n')
  const at = random(rows.length + 1)
  switch (random(6)) {
    case 0:
      rows.splice(at, 1)
      break
    case 1:
      rows.splice(at, random(2), lines[random(lines.length)]!)
      break
    case 2: {
      const otherRows = Buffer.from(other).toString('latin1').split('\n')
      rows.splice(at, random(2), otherRows[random(otherRows.length)]!)
      break
    }
    case 3: {
      const row = rows[at] ?? ''
      rows.splice(at, 1, ...new Array<string>(1 + random(Math.ceil(maxLength / (row.length + 1)))).fill(row))
      break
    }
    case 4:
      rows[at] = (rows[at] ?? '') + ['\r', ' ', '\t', '=', '-', '\u00a0'][random(6)]
      break
    default:
      return capped(mutateOctets(bytes, random))
  }
  return capped(new Uint8Array(Buffer.from(rows.join('\n'), 'latin1')))

  function capped(result: Uint8Array): Uint8Array {
    return result.length > maxLength ? bytes : result
  }
}
