/**
 * The date of an entry as it stands in a CRL (RFC 5280 section 5.1.2.6), one of `encodeRevokedEntries`: for authors of stores that keep entries as octets and export when a hold that was taken back had begun.
 */
export function revokedEntryDate(entry: Uint8Array): Date {
  // 30 L 02 n serial number, then the date: 17 UTCTime, 18 GeneralizedTime. Every length is below 128.
  const at = 4 + entry[3]!
  const text = Buffer.from(entry.subarray(at + 2, at + 2 + entry[at + 1]!)).toString('latin1')
  const year = entry[at] === 0x17 ? (text < '5' ? `20${text.slice(0, 2)}` : `19${text.slice(0, 2)}`) : text.slice(0, 4)
  const [month, day, hour, minute, second] = text
    .slice(entry[at] === 0x17 ? 2 : 4)
    .match(/\d\d/g)!
    .map(Number)
  return new Date(Date.UTC(Number(year), month! - 1, day, hour, minute, second))
}
