import { describe, expect, test } from 'vitest'
import { parseArguments } from '../src/arguments.ts'
import { UsageError } from '../src/usage-error.ts'

const device = ['--user-id', 'alice', '--device-id', 'sensor-1']
const files = ['--cert-path', 'c.pem', '--key-path', 'k.pem', '--ca-path', 'a.pem']
const read = {
  userId: 'alice',
  deviceId: 'sensor-1',
  url: 'mqtts://localhost:8883',
  certificatePath: 'c.pem',
  privateKeyPath: 'k.pem',
  trustAnchorsPath: 'a.pem',
  telemetrySeconds: 5,
}

test.each([
  [['--use-tls', ...device, ...files], {}],
  [['--', ...device, '--use-tls', 'true', ...files], {}],
  [[...device, ...files, '--use-tls=true', '--mqtt-host=::1'], { url: 'mqtts://[::1]:8883' }],
  [[...device, ...files, '--use-tls', '--mqtt-host', 'b', '--mqtt-secure-port', '1'], { url: 'mqtts://b:1' }],
  [[...device, ...files, '--telemetry-seconds', '0', '--use-tls'], { telemetrySeconds: 0 }],
])('%j', (argv, changes) => {
  expect(parseArguments(argv)).toEqual({ ...read, ...changes })
})

describe('refuses', () => {
  test.each([
    [[...device, ...files], /over mutual TLS only: add --use-tls/],
    [[...device, ...files, '--use-tls', 'false'], /add --use-tls/],
    [[...device, ...files, '--use-tls=maybe'], /add --use-tls/],
    [[...files, '--use-tls', '--device-id', 'x'], /--user-id is missing/],
    [[...device, '--use-tls', '--key-path', 'k', '--ca-path', 'a'], /--cert-path is missing/],
    [[...device, ...files, '--use-tls', '--mqtt-secure-port', '65536'], /--mqtt-secure-port must be a number/],
    [[...device, ...files, '--use-tls', '--mqtt-secure-port', '0x50'], /--mqtt-secure-port must be a number/],
    [[...device, ...files, '--use-tls', '--mqtt-host', 'a/b'], /--mqtt-host must be/],
    [[...device, ...files, '--use-tls', '--mqtt-host', 'user@host'], /--mqtt-host must be/],
    [[...device, ...files, '--use-tls', '--insecure'], /--insecure/],
    [[...device, ...files, '--use-tls', 'more'], /more/],
    [['--user-id'], /--user-id/],
  ])('%j', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message)
    expect(() => parseArguments(argv)).toThrow(UsageError)
  })
})
