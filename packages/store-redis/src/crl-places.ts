import { OctetReader } from './octet-reader.ts'

/** A place in a CRL scope: see `lua/revocations.ts`. */
export interface CrlPlace {
  /** In the order of revocation, from 1 on. */
  readonly place: number
  /** The entry is that of a delta CRL: the hold was taken back. */
  readonly isReleased: boolean
  readonly ordinal: Buffer
  /** Place among the changes of the scope. */
  readonly change: number
  /** The later one of notAfter and revocationDate. */
  readonly ended: number
  /** As it stands in a CRL: DER. */
  readonly entry: Buffer
}

/** Places in one string. */
export const placesPerString = 128

/** The number of the string that has the place. */
export function stringOfPlace(place: number): number {
  return Math.floor((place - 1) / placesPerString)
}

/** The places of one string, in their order. */
export function* decodePlaces(index: number, octets: Buffer): Generator<CrlPlace> {
  const reader = new OctetReader(octets)
  while (!reader.isAtEnd) {
    const slot = reader.number(1)
    const isReleased = reader.number(1) === 1
    const ordinal = reader.octets(6)
    const change = reader.number(6)
    const ended = reader.double()
    yield {
      place: index * placesPerString + slot + 1,
      isReleased,
      ordinal,
      change,
      ended,
      entry: reader.counted(1),
    }
  }
}
