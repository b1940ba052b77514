import { memoryIdentity } from '@fleetcert/mqtt-client'
import { expect, test } from 'vitest'

const message = "the hub's URL must be one such as https://hub.example"

test.each([undefined, '', 'hub.example', '//hub.example'])('%s is no address of a hub', url => {
  const bootstrap = { url: url as never, token: 'fct_0123456789abcdef', trustAnchors: 'is not read' }
  expect(() => memoryIdentity({ deviceId: 'sensor-1', bootstrap })).toThrow(message)
})
