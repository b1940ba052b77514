import type { KeptCertificate } from './kept-certificate.ts'
import { createShardedMap } from './sharded-map.ts'

/** How many that were asked for again are passed over, at most, before one of them goes. */
const mostSpared = 64

/** Certificates by fingerprint and by device, bounded in number and octets. What was not asked for again goes first. */
export interface KeptCertificates {
  readonly size: number
  readonly bytes: number
  get(key: string): KeptCertificate | undefined
  add(certificate: KeptCertificate): void
  /** Drops one. */
  drop(key: string): void
  /** Drops all of a device. */
  dropDevice(deviceId: string): void
  clear(): void
}

export function createKeptCertificates(limits: { readonly bytes: number; readonly entries: number }): KeptCertificates {
  // The first octet of a hash is as good as any.
  const byKey = createShardedMap<KeptCertificate>(key => key.charCodeAt(0))
  const byDevice = createShardedMap<KeptCertificate>(lastCharacters)
  let bytes = 0

  const remove = (certificate: KeptCertificate): void => {
    byKey.delete(certificate.key)
    bytes -= certificate.bytes
    const { deviceId } = certificate
    const first = byDevice.get(deviceId)
    if (first === certificate) {
      if (certificate.sibling === undefined) byDevice.delete(deviceId)
      else byDevice.set(deviceId, certificate.sibling)
      return
    }
    for (let other = first; other !== undefined; other = other.sibling) {
      if (other.sibling === certificate) other.sibling = certificate.sibling
    }
  }

  const makeRoom = (): void => {
    let spared = 0
    while (bytes > limits.bytes || byKey.size > limits.entries) {
      const next = byKey.nextInTurn()
      if (next === undefined) continue
      if (next.isWanted && spared < mostSpared) {
        next.isWanted = false
        spared += 1
      } else {
        remove(next)
      }
    }
  }

  return {
    get size() {
      return byKey.size
    },
    get bytes() {
      return bytes
    },
    get: key => byKey.get(key),
    add(certificate) {
      const former = byKey.get(certificate.key)
      if (former !== undefined) remove(former)
      if (certificate.bytes > limits.bytes || limits.entries === 0) return
      certificate.sibling = byDevice.get(certificate.deviceId)
      byDevice.set(certificate.deviceId, certificate)
      byKey.set(certificate.key, certificate)
      bytes += certificate.bytes
      makeRoom()
    },
    drop(key) {
      const certificate = byKey.get(key)
      if (certificate !== undefined) remove(certificate)
    },
    dropDevice(deviceId) {
      for (let next = byDevice.get(deviceId); next !== undefined; next = next.sibling) {
        byKey.delete(next.key)
        bytes -= next.bytes
      }
      byDevice.delete(deviceId)
    },
    clear() {
      byKey.clear()
      byDevice.clear()
      bytes = 0
    },
  }
}

/** Device ids that are numbered in a row differ at their end. */
function lastCharacters(text: string): number {
  const end = text.length
  return end < 2 ? text.charCodeAt(0) : text.charCodeAt(end - 1) + 7 * text.charCodeAt(end - 2)
}
