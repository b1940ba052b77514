import { connectDevice, diagnose } from '@fleetcert/mqtt-client'
import { expect, test } from 'vitest'

const identity = { deviceId: 'sensor-1', credential: () => Promise.reject(new Error('is not asked')) }

test.each([undefined, '', 'broker.example', '//broker.example:8883'])('%s is no address of a broker', async url => {
  for (const result of [connectDevice(url as never, { identity }), diagnose(url as never, identity)]) {
    await expect(result).rejects.toThrow(TypeError)
    await expect(result).rejects.toThrow('"url" must be a URL such as mqtts://broker.example:8883')
  }
})
