import { randomInt } from 'node:crypto'

const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
const groups = 6
const lettersOfGroup = 5

/**
 * A random passphrase of 148 bits, `k7m2q-…`: six groups of five small letters and digits, none that is mistaken for another. For backups that a passphrase opens, above all where it is split: nobody has to remember it.
 */
export function createPassphrase(): string {
  const group = (): string => Array.from({ length: lettersOfGroup }, () => letters[randomInt(letters.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}
