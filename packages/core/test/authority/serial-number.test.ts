import { expect, it } from 'vitest'
import { randomSerialNumber } from '../../src/authority/serial-number.ts'

it('draws 16 octets that are positive, never twice the same, and never the pool itself', () => {
  const seen = new Set<string>()
  for (let draw = 0; draw < 2000; draw += 1) {
    const serial = randomSerialNumber()
    expect(serial).toHaveLength(16)
    expect(serial[0]).toBeGreaterThanOrEqual(0x01)
    expect(serial[0]).toBeLessThanOrEqual(0x7f)
    seen.add(Buffer.from(serial).toString('hex'))
    serial.fill(0)
  }
  expect(seen.size).toBe(2000)
  const octets = new Set([...seen].flatMap(serial => [...Buffer.from(serial, 'hex').subarray(1)]))
  expect(octets.size).toBe(256)
})
