import { describe, expect, test } from 'vitest'
import { asksForFleet, parseFleetArguments } from '../../src/fleet/fleet-arguments.ts'
import { UsageError } from '../../src/usage-error.ts'

test('defaults', () => {
  expect(parseFleetArguments(['--count', '1000'])).toEqual({
    count: 1000,
    broker: 'aedes',
    racks: 1,
    telemetrySeconds: 5,
    protocolVersion: 4,
    renewals: 1,
    renewWithinSeconds: 30,
    renewOver: 'https',
    storms: 1,
    downSeconds: 5,
    powerCuts: 1,
    clockSkewSeconds: 30,
    seconds: 0,
    directory: undefined,
    json: false,
  })
})

test('everything else', () => {
  const argv = [
    '--',
    '--count=2',
    '--racks',
    '2',
    '--mqtt-version',
    '5',
    '--renew-over',
    'mqtt',
    '--json',
    '--storms',
    '0',
  ]
  expect(parseFleetArguments(argv)).toMatchObject({
    racks: 2,
    protocolVersion: 5,
    renewOver: 'mqtt',
    json: true,
    storms: 0,
  })
})

test('a fleet is what has a count', () => {
  expect(asksForFleet(['--count', '3'])).toBe(true)
  expect(asksForFleet(['--count=3'])).toBe(true)
  expect(asksForFleet(['--device-id', 'count'])).toBe(false)
})

describe('refuses', () => {
  test.each([
    [['--count', '0'], /--count must be a number from 1 to 20000/],
    [['--count', 'many'], /--count must be/],
    [['--count'], /--count/],
    [['--count', '2', '--racks', '3'], /--racks must be a number from 1 to 2/],
    [['--count', '2', '--broker', 'emqx'], /aedes or mosquitto/],
    [['--count', '2', '--mqtt-version', '4'], /3 or 5/],
    [['--count', '2', '--renew-over', 'http'], /https or mqtt/],
    [['--count', '2', '--storms', '-1'], /--storms/],
    [['--count', '2', '--directory', ''], /--directory/],
    [['--count', '2', '--use-tls'], /--use-tls/],
    [['--count', '2', 'more'], /more/],
  ])('%j', (argv, message) => {
    expect(() => parseFleetArguments(argv)).toThrow(message)
    expect(() => parseFleetArguments(argv)).toThrow(UsageError)
  })
})
