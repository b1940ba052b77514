import { storeCorrupt } from './store-errors.ts'

/** A place in a CRL scope: see `lua/revocations.ts`. */
export interface CrlPlace {
  /** In the order of revocation, from 1 on. */
  readonly place: number
  /** The entry is that of a delta CRL: the hold was taken back. */
  readonly isReleased: boolean
  readonly ordinal: Buffer
}

/** Places in one string. */
export const placesPerString = 128

/** The number of the string that has the place. */
export function stringOfPlace(place: number): number {
  return Math.floor((place - 1) / placesPerString)
}

// Of a place: where its parts begin.
const releasedAt = 1
const ordinalAt = 2
const changeAt = 8
const endedAt = 14
const lengthAt = 22
const entryAt = 23

/** Goes through the places of one string in their order: the number of each, and where it begins and ends. Lists of millions pass here, so nothing is made of any. */
export function scanPlaces(
  index: number,
  octets: Buffer,
  visit: (place: number, begin: number, end: number) => void,
): void {
  for (let begin = 0; begin < octets.length; ) {
    const end = begin + entryAt + (octets[begin + lengthAt] ?? octets.length)
    if (end > octets.length) throw storeCorrupt('a value is too short')
    visit(index * placesPerString + octets[begin]! + 1, begin, end)
    begin = end
  }
}

/** Whether the place that begins there is that of a hold that was taken back. */
export function isReleasedAt(octets: Buffer, begin: number): boolean {
  return octets[begin + releasedAt] === 1
}

/** The change of the place that begins there. */
export function changeOf(octets: Buffer, begin: number): number {
  return octets.readUIntBE(begin + changeAt, 6)
}

/** When what stands at the place that begins there has ended. */
export function endOf(octets: Buffer, begin: number): number {
  return octets.readDoubleBE(begin + endedAt)
}

/** The places of one string, in their order. */
export function decodePlaces(index: number, octets: Buffer): CrlPlace[] {
  const places: CrlPlace[] = []
  scanPlaces(index, octets, (place, begin) => {
    const ordinal = octets.subarray(begin + ordinalAt, begin + changeAt)
    places.push({ place, isReleased: isReleasedAt(octets, begin), ordinal })
  })
  return places
}

/** Entries one behind the other. */
export interface EntryList {
  /** Takes the entry of the place that begins and ends there. */
  add(octets: Buffer, begin: number, end: number): void
  octets(): Uint8Array
}

/** A list with room for so many octets. */
export function entryList(room: number): EntryList {
  const list = new Uint8Array(room)
  let length = 0
  return {
    add(octets, begin, end) {
      // Some forty octets: a call of copy() takes longer.
      for (let at = begin + entryAt; at < end; at += 1) list[length++] = octets[at]!
    },
    octets: () => list.slice(0, length),
  }
}
