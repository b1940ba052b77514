import { isPkiError } from '@fleetcert/x509'
import type { DeviceConnection, DeviceEvents } from '../../src/index.ts'
import { expectNoPem } from './rejection.ts'

/** The next event of that name; an error in it is searched for keys. */
export function next<Name extends keyof DeviceEvents>(
  device: DeviceConnection,
  name: Name,
): Promise<DeviceEvents[Name]> {
  return new Promise(resolve => {
    const off = device.on(name, value => {
      off()
      if (isPkiError(value)) expectNoPem(value)
      resolve(value)
    })
  })
}
